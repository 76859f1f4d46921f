import Logging
import MartletProtocol
import MartletServer
import MartletTestSupport
import Testing

@Suite struct ShutdownTests {
    @Test func everyOpenStreamGetsOneTerminalEventAndTheServerEnds() async throws {
        try await TestServer.run {
            $0.closingTimeout = .seconds(20)
        } body: { server async throws in
            var connections: [RawConnection] = []
            for _ in 0..<20 { connections.append(try await server.stream().connection) }
            server.engine.step(server.engine.requests.map(\.handle), text: "a")
            await server.edge.shutDown()
            for connection in connections {
                let events = try await connection.readEvents()
                #expect(try content(of: events) == "a")
                #expect(events.filter { $0.contains(#""type":"unavailable_error""#) }.count == 1)
                #expect(events.filter { $0.contains("finish_reason\":\"") }.isEmpty)
                await connection.waitForClose()
            }
        }
    }

    @Test func aGenerationThatEndsInTimeEndsAsUsual() async throws {
        try await TestServer.run {
            $0.drainTimeout = .seconds(60)
            // A busy machine may take long for the last event; it is not what is tested.
            $0.closingTimeout = .seconds(10)
        } body: { server async throws in
            let (connection, _) = try await server.stream()
            let handle = await server.engine.request(0).handle
            await server.edge.shutDown()
            server.engine.step([handle], text: "a")
            server.engine.finish(handle)
            let events = try await connection.readEvents()
            #expect(try content(of: events) == "a")
            #expect(events.last == "data: [DONE]")
        }
    }

    @Test func aReaderThatDoesNotReadCannotHoldTheServer() async throws {
        try await TestServer.run { server async throws in
            let (connection, _) = try await server.stream(receiveBufferBytes: 4_096)
            try await connection.stopReading()
            let handle = await server.engine.request(0).handle
            let text = String(repeating: "x", count: 100_000)
            for _ in 0..<200 { server.engine.step([handle], text: text) }
        }
    }

    @Test func aSilentConnectionCannotHoldTheServer() async throws {
        try await TestServer.run { server async throws in
            let silent = try await server.connect()
            let half = try await server.connect()
            try await half.send("POST /v1/chat/completions HTTP/1.1\r\nContent-Length: 100\r\n\r\nhalf")
            // Answered after the others were accepted.
            #expect(try await server.send("GET", "/health").head.status == 200)
            await server.edge.shutDown()
            await silent.waitForClose()
            await half.waitForClose()
        }
    }

    @Test func aPortInUseIsOneClearError() async throws {
        try await TestServer.run { first in
            let error = await #expect(throws: EdgeServerError.self) {
                try await TestServer.run {
                    $0.port = first.port
                } body: { _ in
                }
            }
            #expect(
                error?.description
                    == "port \(first.port) on 127.0.0.1 is in use; stop what listens there or choose another --port")
        }
    }
}
