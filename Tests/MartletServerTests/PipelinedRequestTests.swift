import MartletProtocol
import MartletTestSupport
import Testing

/// Requests that a client sends while a stream is open wait for the stream's end.
@Suite struct PipelinedRequestTests {
    private static let health = "GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

    @Test func laterRequestsAreServedBehindTheStream() async throws {
        try await TestServer.run { server async throws in
            let (connection, head) = try await server.stream()
            #expect(head.status == 200)
            try await connection.send(Self.health)
            try await connection.send("GET /v1/models HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n" + Self.health)
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            server.engine.step([handle], text: "b")
            server.engine.finish(handle)
            let events = try await connection.readEvents()
            #expect(try content(of: events) == "ab")
            #expect(events.last == "data: [DONE]")
            for part in ["ok", "object", "ok"] {
                #expect(try await connection.readHead().status == 200)
                #expect(try await connection.readBody().contains(part))
            }
            try await connection.close()
        }
    }

    /// Requests that arrive together with the request that streams.
    @Test func requestsInOnePieceAreServedInOrder() async throws {
        try await TestServer.run { server async throws in
            let connection = try await server.connect()
            let body = chat(stream: true)
            try await connection.send(
                "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
                    + "Content-Length: \(body.utf8.count)\r\n\r\n\(body)\(Self.health)")
            #expect(try await connection.readHead().status == 200)
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            server.engine.finish(handle)
            #expect(try content(of: try await connection.readEvents()) == "a")
            #expect(try await connection.readHead().status == 200)
            #expect(try await connection.readBody().contains("ok"))
            try await connection.close()
        }
    }

    @Test func invalidRequestsAreRefusedBehindTheStream() async throws {
        try await TestServer.run { server async throws in
            let (connection, _) = try await server.stream()
            try await connection.send("what is this\r\n\r\n")
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            server.engine.finish(handle)
            #expect(try await connection.readEvents().last == "data: [DONE]")
            #expect(try await connection.readHead().status == 400)
            await connection.waitForClose()
        }
    }

    @Test func aStreamIsWholeWhenItsClientWantsTheConnectionClosed() async throws {
        try await TestServer.run { server async throws in
            let (connection, _) = try await server.open([("Connection", "close")])
            let handle = await server.engine.request(0).handle
            for _ in 0..<3 { server.engine.step([handle], text: "a") }
            server.engine.finish(handle)
            let events = try await connection.readEvents()
            #expect(try content(of: events) == "aaa")
            #expect(events.last == "data: [DONE]")
            await connection.waitForClose()
        }
    }

    @Test func aClientThatLeavesBehindAPipelinedRequestCancels() async throws {
        try await TestServer.run { server async throws in
            let (connection, _) = try await server.stream()
            try await connection.send(Self.health)
            let handle = await server.engine.request(0).handle
            server.engine.step([handle], text: "a")
            _ = try await connection.readEvent()
            try await connection.reset()
            await server.engine.waitForCancel(of: handle)
        }
    }
}
