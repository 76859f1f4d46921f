import Foundation
import Logging
import MartletProtocol
import MartletTestSupport
import ServiceLifecycle
import Testing

@testable import MartletServer

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
            // A busy machine may need long for the last event; that is not the subject of the test.
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
            // The response comes after the other connections were accepted.
            #expect(try await server.send("GET", "/health").head.status == 200)
            await server.edge.shutDown()
            await silent.waitForClose()
            await half.waitForClose()
        }
    }

    /// A service that ends when the test tells it to.
    private final class Stubborn: Service {
        private let ends = AsyncStream.makeStream(of: Void.self)

        func release() { ends.continuation.finish() }

        func run() async throws {
            // Not the task's own cancellation, which comes at the end.
            await Task { for await _ in ends.stream {} }.value
        }
    }

    @Test func blockingPartsAreNamedWhenTheShutdownIsOverdue() async {
        let stubborn = Stubborn()
        let overdue = AsyncStream.makeStream(of: String.self)
        var configuration = ServerConfiguration()
        configuration.port = 0
        configuration.drainTimeout = .milliseconds(20)
        configuration.closingTimeout = .milliseconds(10)
        configuration.onOverdue = { overdue.continuation.yield($0) }
        let listening = AsyncStream.makeStream(of: Int.self)
        configuration.onListening = { listening.continuation.yield($0) }
        let edge = EdgeServer(
            configuration: configuration, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
            services: [("the stubborn part", stubborn)]
        ) { FakeEngine($0) }
        await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await edge.run(until: []) }
            for await _ in listening.stream { break }
            await edge.shutDown()
            for await reason in overdue.stream {
                #expect(reason.contains("the stubborn part"))
                break
            }
            stubborn.release()
            // A service that ends only by cancellation is an error.
            _ = await group.nextResult()
        }
    }

    /// Every awaited response ends, however many choices it has and whichever ends first.
    @Test(arguments: 0..<6) func commandsDoNotDelayTheShutdown(_: Int) async throws {
        let path = NSTemporaryDirectory() + "/martlet-shutdown-" + UUID().uuidString
        defer { try? FileManager.default.removeItem(atPath: path) }
        try await TestServer.run {
            $0.journal = JournalConfiguration(path: path)
            $0.closingTimeout = .seconds(20)
        } body: { server async throws in
            let body = #"{"prompt":"x","n":3,"stream":true}"#
            let (_, head) = try await server.open([("X-Stream-Resume", "1")], body, path: "/v1/completions")
            let id = try #require(head["x-generation-id"])
            await server.engine.wait { $0.requests.count == 3 }
            try await withThrowingTaskGroup(of: (Int, String).self) { group in
                for _ in 0..<4 {
                    group.addTask {
                        let (head, text) = try await server.send(
                            "POST", "/v1/generations/\(id)/control", body: #"{"action":"status"}"#)
                        return (head.status, text)
                    }
                }
                await server.engine.wait { $0.commands.count == 4 }
                await server.edge.shutDown()
                for try await (status, text) in group {
                    #expect(status == 503)
                    #expect(text.contains("send the command again"))
                }
            }
        }
    }

    @Test func partsThatRunAreNamedTheLongestRequestsFirst() async throws {
        let parts = RunningParts()
        #expect(parts.description() == "no known part")
        let numbers = (0..<7).map { parts.beginRequest("GET /\($0)") }
        parts.endRequest(numbers[2])
        await parts.run("the worker") {
            #expect(
                parts.description()
                    == "the worker, GET /0 for 0 s, GET /1 for 0 s, GET /3 for 0 s, GET /4 for 0 s, GET /5 for 0 s, "
                    + "1 more requests")
        }
        for number in numbers { parts.endRequest(number) }
        #expect(parts.description() == "no known part")
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
