import MartletJSON
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

/// A server at its limit of connections stays observable and stoppable.
@Suite struct OverloadTests {
    /// A server with two places, both with a resumable stream.
    private static func runFull(_ body: (TestServer, [RawConnection], [String]) async throws -> Void) async throws {
        try await TestServer.run {
            $0.limits.connections = 2
        } body: { server async throws in
            var streams: [RawConnection] = []
            var ids: [String] = []
            for index in 0..<2 {
                let (connection, head) = try await server.open([("X-Conversation-Id", "c\(index)")])
                #expect(head.status == 200)
                streams.append(connection)
                ids.append(head["x-generation-id"] ?? "")
            }
            try await body(server, streams, ids)
            for stream in streams { try? await stream.close() }
        }
    }

    @Test func requestsThatObserveOrStopAreServed() async throws {
        try await Self.runFull { server, streams, ids in
            for path in ["/health", "/v1/health/", "/slots"] {
                let (head, _) = try await server.send("GET", path)
                #expect(head.status == 200 && head["connection"] == "close")
            }
            async let reply = server.send("POST", "/v1/generations/\(ids[0])/control", body: #"{"action":"pause"}"#)
            let command = await server.engine.command(0)
            server.engine.send([EngineEvent(command.handle, .controlled(command.number, .applied(.paused, token: 0)))])
            let control = try await reply
            #expect(control.head.status == 200 && control.head["connection"] == "close")
            let stop = try await server.send("DELETE", "/v1/stream/c1")
            #expect(stop.head.status == 204 && stop.head["connection"] == "close")
        }
    }

    @Test func everyOtherRequestGetsRetryAfter() async throws {
        try await Self.runFull { server, streams, ids in
            for (method, path, body) in [
                ("GET", "/v1/models", nil), ("POST", "/v1/chat/completions", chat(stream: true)),
                ("GET", "/v1/generations/\(ids[0])/events", nil), ("GET", "/v1/stream/c0", nil),
                ("GET", "/nothing", nil),
                ("POST", "/health", "{}"),
            ] as [(String, String, String?)] {
                let connection = try await server.connect()
                try await connection.send(method, path, body: body)
                let head = try await connection.readHead()
                #expect(head.status == 503 && head["retry-after"] == "1" && head["connection"] == "close")
                let error = try json(try await connection.readBody())["error"]
                #expect(error?["type"] == "overloaded_error")
                #expect(error?["message"]?.stringValue?.contains("--max-connections") == true)
                await connection.waitForClose()
            }
            #expect(server.engine.requests.count == 2)
        }
    }

    @Test func aReleasedConnectionSlotIsUsed() async throws {
        try await Self.runFull { server, streams, ids in
            let waiting = try await server.connect()
            let handle = await server.engine.request(0).handle
            server.engine.finish(handle)
            _ = try await streams[0].readEvents()
            // The stream's connection is idle now, and the new request gets its place.
            try await waiting.send("POST", "/v1/chat/completions", body: chat(stream: true))
            #expect(try await waiting.readHead().status == 200)
            await streams[0].waitForClose()
            try await waiting.close()
        }
    }

    @Test func idleReadersLeaveRoomForRequests() async throws {
        try await TestServer.run {
            $0.limits.connections = 4
        } body: { server async throws in
            let (first, head) = try await server.open([("X-Stream-Resume", "1")])
            let path = "/v1/generations/\(head["x-generation-id"] ?? "")/events"
            var readers: [RawConnection] = []
            var statuses: [Int] = []
            for _ in 0..<4 {
                let reader = try await server.connect()
                try await reader.send("GET", path)
                statuses.append(try await reader.readHead().status)
                if statuses.last == 200 { readers.append(reader) } else { try await reader.close() }
            }
            #expect(statuses == [200, 200, 200, 503])
            try await first.close()
            let (request, response) = try await server.stream()
            #expect(response.status == 200)
            try await request.close()
            for reader in readers { try await reader.close() }
        }
    }

    /// Silent connections do not block requests.
    @Test func silentConnectionsLeaveRoomForRequests() async throws {
        try await TestServer.run(script: .complete(["hi"])) {
            $0.limits.connections = 2
        } body: { server async throws in
            var silent: [RawConnection] = []
            for _ in 0..<8 { silent.append(try await server.connect()) }
            for _ in 0..<3 {
                let response = try await server.send("POST", "/v1/chat/completions", body: chat(stream: false))
                #expect(response.head.status == 200)
            }
            for connection in silent { try? await connection.close() }
        }
    }
}
