import Dispatch
import Foundation
import MartletJSON
import MartletProtocol
import MartletServer
import MartletStreams
import MartletTestSupport
import Testing

/// A server that listens before recovery has ended.
@Suite(.timeLimit(.minutes(15))) struct SlowRecoveryTests {
    /// Stops the thread of recovery at the first journal.
    private final class Barrier: Sendable {
        private let reached = AsyncStream<Void>.makeStream()
        private let opened = DispatchSemaphore(value: 0)

        func pass() {
            reached.continuation.yield()
            opened.wait()
            opened.signal()
        }

        func waitUntilReached() async { for await _ in reached.stream { return } }

        func open() { opened.signal() }
    }

    private let state = StateFolder()
    private let tokens = ["Once", " upon", " a", " time"]
    private static let label = ("X-Conversation-Id", "talk")

    private func run(
        _ script: FakeEngine.Script, _ barrier: Barrier? = nil, recoveryRequestTimeout: Duration = .seconds(60),
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(script: script) { configuration in
            var journal = JournalConfiguration(path: state.path)
            journal.isRequired = true
            if let barrier {
                journal.recoveryStartTimeout = .zero
                journal.recoveryRequestTimeout = recoveryRequestTimeout
                journal.onReading = { _ in barrier.pass() }
            }
            configuration.journal = journal
        } body: { server in
            // Also after a failed check, because the server waits for the thread.
            defer { barrier?.open() }
            try await body(server)
        }
    }

    private func leaveJournal(isEnded: Bool = true) async throws -> String {
        var id = ""
        try await run(isEnded ? .complete(tokens) : .admit) { server in
            let (connection, head) = try await server.open([Self.label])
            id = try #require(head["x-generation-id"])
            if isEnded { _ = try await connection.readEvents() }
        }
        return id
    }

    @Test func requestsForMissingGenerationsWaitAndOthersDoNot() async throws {
        let id = try await leaveJournal()
        let barrier = Barrier()
        try await run(.complete(tokens), barrier) { server in
            await barrier.waitUntilReached()
            var waiting: [RawConnection] = []
            for (method, path) in [
                ("GET", "/v1/generations/\(id)/events"), ("GET", "/v1/stream?conv_id=talk"), ("GET", "/v1/generations"),
                ("GET", "/v1/generations/\(id)/result"),
            ] {
                let connection = try await server.connect()
                try await connection.send(method, path)
                waiting.append(connection)
            }
            // Requests that need no stored generation are served meanwhile.
            #expect(try await server.send("GET", "/health").head.status == 200)
            let (new, head) = try await server.open([("X-Stream-Resume", "1")])
            #expect(try content(of: try await new.readEvents()) == tokens.joined())
            let name = try #require(head["x-generation-id"])
            #expect(try await server.send("GET", "/v1/generations/\(name)/result").head.status == 200)
            barrier.open()
            for connection in waiting {
                #expect(try await connection.readHead().status == 200)
                #expect(try await connection.readBody().contains(id))
            }
            #expect(try await server.send("GET", "/v1/generations/none").head.status == 404)
            let list = try json(try await server.send("GET", "/v1/generations").body)["data"]?.arrayValue
            #expect(list?.compactMap { $0["id"]?.stringValue } == [name, id])
        }
    }

    @Test func requestsThatWaitedTooLongGetRetryAfter() async throws {
        let id = try await leaveJournal()
        let barrier = Barrier()
        try await run(.complete(tokens), barrier, recoveryRequestTimeout: .zero) { server in
            await barrier.waitUntilReached()
            let sequence = #"{"action":"status"}"#
            for (method, path, body) in [
                ("GET", "/v1/generations/\(id)/events", nil), ("GET", "/v1/stream?conv_id=talk", nil),
                ("GET", "/v1/generations", nil), ("DELETE", "/v1/generations/\(id)", nil),
                ("DELETE", "/v1/stream?conv_id=talk", nil), ("POST", "/v1/generations/\(id)/control", sequence),
                ("POST", "/v1/streams/lookup", #"{"conversation_ids":["talk"]}"#),
            ] {
                let (head, text) = try await server.send(method, path, body: body)
                #expect(head.status == 503, "\(path)")
                #expect(head["retry-after"] != nil, "\(path)")
                #expect(text.contains("still being read"), "\(path)")
            }
        }
        #expect(state.files.count == 1, "nothing was lost")
    }

    @Test func aNewGenerationOfALabelEndsTheRestoredGeneration() async throws {
        let old = try await leaveJournal(isEnded: false)
        let barrier = Barrier()
        try await run(.admit, barrier) { server in
            await barrier.waitUntilReached()
            let (connection, head) = try await server.open([Self.label])
            let new = try #require(head["x-generation-id"])
            let handle = await server.engine.request(0).handle
            barrier.open()
            let (_, status) = try await server.send("GET", "/v1/generations/\(old)")
            #expect(try json(status)["state"] == "cancelled")
            #expect(server.engine.requests.count == 1)
            server.engine.step([handle], text: "new")
            server.engine.finish(handle)
            #expect(try content(of: try await connection.readEvents()) == "new")
            let newest = try await server.send("GET", "/v1/stream?conv_id=talk").body
            #expect(newest.contains(new) && !newest.contains(old))
        }
        // The end is in the journal of the restored generation, too.
        try await run(.hold) { server in
            let (_, status) = try await server.send("GET", "/v1/generations/\(old)")
            #expect(try json(status)["state"] == "cancelled")
            #expect(server.engine.requests.isEmpty)
        }
    }

    @Test func aServerThatEndsMeanwhileLosesNothing() async throws {
        let id = try await leaveJournal(isEnded: false)
        let barrier = Barrier()
        try await run(.admit, barrier) { server in
            await barrier.waitUntilReached()
            await server.edge.shutDown()
        }
        try await run(.complete(tokens)) { server in
            let body = try await server.send("GET", "/v1/generations/\(id)/events").body
            #expect(body.contains("[DONE]"))
        }
    }

    // MARK: Odd entries

    @Test func oneOddEntryPreventsNoOtherRecovery() async throws {
        let id = try await leaveJournal()
        let streams = state.path + "/streams/"
        mkfifo(streams + LogHead.makeID() + ".journal", 0o600)
        mkdir(streams + LogHead.makeID() + ".journal", 0o700)
        symlink("/nowhere", streams + LogHead.makeID() + ".journal")
        symlink("/dev/zero", streams + LogHead.makeID() + ".journal")
        mkfifo(streams + "notes", 0o600)
        let journal = streams + (try #require(state.files.first { $0.contains(id.suffix(32)) }))
        // A copy under another name would be a second generation of the same id.
        try FileManager.default.copyItem(atPath: journal, toPath: streams + LogHead.makeID() + ".journal")
        try #require(truncate(journal, 2 << 30) == 0)
        try await run(.hold) { server in
            let body = try await server.send("GET", "/v1/generations/\(id)/events").body
            #expect(body.contains("[DONE]"))
            #expect(state.files.count == 1)
        }
        #expect(state.aside.count == 7, "\(state.aside)")
    }
}
