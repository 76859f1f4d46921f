import Foundation
import MartletJSON
import MartletPlatform
import MartletTestSupport
import NIOCore
import OrderedCollections
import Subprocess
import Testing

/// Processes are killed at random moments while eight streams run; each stream ends once and as if nothing had
/// happened.
///
/// `MARTLET_KILLS` says how often; without it a few times.
@Suite(.serialized, .timeLimit(.minutes(30))) struct DurabilityTests {
    private static let kills = ProcessInfo.processInfo.environment["MARTLET_KILLS"].flatMap { Int($0) } ?? 2
    private static let tokenCount = 250

    /// Half of them greedy, half seeded.
    private static func request(_ index: Int, tokens: Int = tokenCount) -> JSONValue {
        [
            "prompt": .string("Story \(index)"), "max_tokens": .integer(Int64(tokens)), "ignore_eos": true,
            "temperature": index % 2 == 0 ? 0 : 1.1, "seed": .integer(Int64(index)), "cache_prompt": false,
        ]
    }

    private static func uninterrupted(_ server: Server) async throws -> [String] {
        var texts: [String] = []
        for index in 0..<8 {
            let (_, body) = try await server.post("/v1/completions", request(index))
            texts.append(try #require(body["choices"]?.arrayValue?.first?["text"]?.stringValue))
        }
        return texts
    }

    /// Begins a resumable generation whose client goes away at once.
    private static func begin(
        _ index: Int, choices: Int64 = 1, tokens: Int = tokenCount, _ server: Server
    ) async throws -> String {
        guard case .object(var members) = request(index, tokens: tokens) else {
            preconditionFailure("a body is an object")
        }
        members["stream"] = true
        members["n"] = .integer(choices)
        let connection = try await server.connect()
        try await connection.send(
            "POST", "/v1/completions", headers: [("X-Stream-Resume", "1")], body: JSONValue.object(members).text)
        let head = try await connection.readHead()
        try await connection.reset()
        return try #require(head["x-generation-id"])
    }

    /// The events that one client received of a stream, over all its connections.
    private struct Reader {
        let id: String
        var lastEventID: String?
        var numbers: [String] = []
        var events: [String] = []

        /// Reads until the stream ends, the connection breaks, or so many events are there.
        mutating func read(from server: Server, upTo limit: Int = .max) async throws {
            // The server may be gone at any moment.
            guard let connection = try? await server.connect() else { return }
            do {
                try await connection.send(
                    "GET", "/v1/generations/\(id)/events", headers: lastEventID.map { [("Last-Event-ID", $0)] } ?? [])
                let head = try await connection.readHead()
                #expect(head.status == 200)
                while events.count < limit, let event = try await connection.readEvent() {
                    guard let data = event.split(separator: "\n").first(where: { $0.hasPrefix("data: ") }) else {
                        continue
                    }
                    let number = event.split(separator: "\n").first { $0.hasPrefix("id: ") }
                    lastEventID = number.map { String($0.dropFirst(4)) }
                    numbers.append(lastEventID ?? "")
                    events.append(String(data))
                }
            } catch is RawConnectionError {
            } catch is ChannelError {
            } catch is IOError {
            }
            try? await connection.close()
        }

        func check(against text: String) throws {
            let streamed = try StreamedText(events)
            #expect(streamed.endedOnce)
            #expect(streamed.errors.isEmpty)
            #expect(streamed.text == text)
            #expect(Set(numbers).count == numbers.count)
        }
    }

    @Test func killingTheServerLosesNoStream() async throws {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<Self.kills {
            let state = StateFolder()
            let moment = Int.random(in: 0..<Self.tokenCount, using: &random)
            let victim = Int.random(in: 0..<8, using: &random)
            let flags = ["--state-dir", state.path, "--parallel", "8"]
            let alone = LockedValue<[String]>([])
            let readers = LockedValue<[Reader]>([])
            let status = try await Server.run(flags) { server in
                alone.set(try await Self.uninterrupted(server))
                var ids: [String] = []
                for index in 0..<8 { ids.append(try await Self.begin(index, server)) }
                let read = try await withThrowingTaskGroup(of: (Int, Reader).self) { group in
                    for (index, id) in ids.enumerated() {
                        group.addTask {
                            var reader = Reader(id: id)
                            if index == victim {
                                try await reader.read(from: server, upTo: moment)
                                kill(server.processIdentifier, SIGKILL)
                            } else {
                                try await reader.read(from: server)
                            }
                            return (index, reader)
                        }
                    }
                    return try await group.reduce(into: [Int: Reader]()) { $0[$1.0] = $1.1 }
                }
                readers.set((0..<8).compactMap { read[$0] })
            }
            #expect(!status.isSuccess)
            try await Server.run(flags) { server in
                for (index, reader) in readers.value.enumerated() {
                    var reader = reader
                    if reader.events.last != "data: [DONE]" { try await reader.read(from: server) }
                    try reader.check(against: alone.value[index])
                }
            }
        }
    }

    /// How the events of several choices follow each other is chance, and nothing but the journal knows it.
    ///
    /// Two clients read the stream, and the server ends when the first one has so many events. How many events the
    /// second one has then is its own affair; neither may lose what it has.
    @Test func killingTheServerKeepsTheOrderOfSeveralChoices() async throws {
        var random = SeededGenerator(seed: 3)
        for _ in 0..<Self.kills {
            let state = StateFolder()
            let moment = Int.random(in: 1..<3 * Self.tokenCount, using: &random)
            let flags = ["--state-dir", state.path, "--parallel", "8"]
            let readers = LockedValue<[Reader]>([])
            let status = try await Server.run(flags) { server in
                let id = try await Self.begin(1, choices: 3, server)
                async let second = {
                    var reader = Reader(id: id)
                    try await reader.read(from: server)
                    return reader
                }()
                var first = Reader(id: id)
                try await first.read(from: server, upTo: moment)
                kill(server.processIdentifier, SIGKILL)
                readers.set([first, try await second])
            }
            #expect(!status.isSuccess)
            #expect(try #require(readers.value.first).events.count >= moment)
            try await Server.run(flags) { server in
                for var reader in readers.value {
                    if reader.events.last != "data: [DONE]" { try await reader.read(from: server) }
                    var again = Reader(id: reader.id)
                    try await again.read(from: server)
                    #expect(reader.numbers == again.numbers)
                    #expect(reader.events == again.events)
                    let whole = try StreamedText(reader.events)
                    #expect(whole.finishReasons == ["length", "length", "length"] && whole.doneCount == 1)
                }
            }
        }
    }

    @Test func aResolvedCommandSurvivesTheServer() async throws {
        for _ in 0..<Self.kills {
            let state = StateFolder()
            let flags = ["--state-dir", state.path]
            let alone = LockedValue("")
            let reader = LockedValue<Reader?>(nil)
            let reply = LockedValue<JSONValue>(.null)
            try await Server.run(flags) { server in
                let (_, body) = try await server.post("/v1/completions", Self.request(1))
                alone.set(try #require(body["choices"]?.arrayValue?.first?["text"]?.stringValue))
                var first = Reader(id: try await Self.begin(1, server))
                try await first.read(from: server, upTo: 3)
                let (status, reported) = try await server.post(
                    "/v1/generations/\(first.id)/control", ["action": "pause"])
                kill(server.processIdentifier, SIGKILL)
                #expect(status == 200)
                reader.set(first)
                reply.set(reported)
            }
            try await Server.run(flags) { server in
                var rest = try #require(reader.value)
                let path = "/v1/generations/\(rest.id)/control"
                let (_, report) = try await server.post(path, ["action": "status"])
                #expect(report["paused"] == true)
                #expect(report["tokens"] == reply.value["at_token"])
                #expect(try await server.post(path, ["action": "resume"]).status == 200)
                try await rest.read(from: server)
                try rest.check(against: alone.value)
            }
        }
    }

    /// The last events that readers saw are not in the journal. A command may not take their numbers. The stream is so
    /// long that it still runs when the first command arrives.
    @Test(arguments: [["pause", "resume"], ["stop"]])
    func aCommandRightAfterACrashComesBehindTheEventsThatReadersSaw(actions: [String]) async throws {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<Self.kills {
            let state = StateFolder()
            let moment = Int.random(in: 2..<100, using: &random)
            let flags = ["--state-dir", state.path]
            let alone = LockedValue("")
            let reader = LockedValue<Reader?>(nil)
            try await Server.run(flags) { server in
                let (_, body) = try await server.post("/v1/completions", Self.request(1, tokens: 1_500))
                alone.set(try #require(body["choices"]?.arrayValue?.first?["text"]?.stringValue))
                var first = Reader(id: try await Self.begin(1, tokens: 1_500, server))
                try await first.read(from: server, upTo: moment)
                kill(server.processIdentifier, SIGKILL)
                reader.set(first)
            }
            try await Server.run(flags) { server in
                var rest = try #require(reader.value)
                for action in actions {
                    let (status, reply) = try await server.post(
                        "/v1/generations/\(rest.id)/control",
                        ["action": .string(action), "request_id": .string(action)])
                    #expect(status == 200)
                    let event = try #require(reply["event"]?.integerValue)
                    #expect(event > rest.lastEventID.flatMap { Int64($0) } ?? 0)
                }
                try await rest.read(from: server)
                guard actions == ["stop"] else { return try rest.check(against: alone.value) }
                let streamed = try StreamedText(rest.events)
                #expect(streamed.endedOnce)
                #expect(alone.value.hasPrefix(streamed.text))
                #expect(Set(rest.numbers).count == rest.numbers.count)
            }
        }
    }

    @Test func killingTheWorkerLosesNoEvent() async throws {
        var random = SeededGenerator(seed: 2)
        let deaths = (0..<Self.kills).map { _ in
            (moment: Int.random(in: 0..<Self.tokenCount, using: &random), victim: Int.random(in: 0..<8, using: &random))
        }
        // A worker that dies again and again is started after ever longer pauses: a few deaths for each server.
        for start in stride(from: 0, to: deaths.count, by: 4) {
            try await Server.run(["--parallel", "8"]) { server in
                let alone = try await Self.uninterrupted(server)
                for (moment, victim) in deaths[start..<min(start + 4, deaths.count)] {
                    var ids: [String] = []
                    for index in 0..<8 { ids.append(try await Self.begin(index, server)) }
                    let worker = try await server.worker()
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for (index, id) in ids.enumerated() {
                            group.addTask {
                                var reader = Reader(id: id)
                                if index == victim {
                                    try await reader.read(from: server, upTo: moment)
                                    kill(worker, SIGKILL)
                                }
                                if reader.events.last != "data: [DONE]" { try await reader.read(from: server) }
                                try reader.check(against: alone[index])
                            }
                        }
                        try await group.waitForAll()
                    }
                }
            }
        }
    }

    @Test func aGenerationContinuesAfterTheServerWasAskedToEnd() async throws {
        let state = StateFolder()
        let flags = ["--state-dir", state.path, "--drain-timeout", "1"]
        let reader = LockedValue<Reader?>(nil)
        let alone = LockedValue<[String]>([])
        let status = try await Server.run(flags) { server in
            alone.set(try await Self.uninterrupted(server))
            var first = Reader(id: try await Self.begin(3, server))
            try await first.read(from: server, upTo: 5)
            reader.set(first)
        }
        #expect(status.isSuccess)
        try await Server.run(flags) { server in
            var rest = try #require(reader.value)
            try await rest.read(from: server)
            try rest.check(against: alone.value[3])
        }
        let listed = try await MartletProcess.run(["streams", "ls", "--state-dir", state.path])
        let id = try #require(reader.value?.id.split(separator: "-").last.map { String($0) })
        #expect(listed.output.contains(id))
        #expect(listed.output.contains("finished"))
        let exported = try await MartletProcess.run(["streams", "export", id, "--state-dir", state.path])
        let json = try JSONParser.parse(Array(exported.output.utf8))
        #expect(json["text"]?.stringValue == alone.value[3])
        #expect(json["request"]?["prompt"]?.stringValue == "Story 3")
        let shown = try await MartletProcess.run(["streams", "show", id, "--state-dir", state.path])
        #expect(shown.output.contains("tokens") && !shown.output.contains("Story 3"))
        let removed = try await MartletProcess.run(["streams", "rm", id, "--state-dir", state.path])
        #expect(removed.status == 0)
        #expect(try await !MartletProcess.run(["streams", "ls", "--state-dir", state.path]).output.contains(id))
    }

    @Test func aFullDiskCostsDurabilityAndNoCompletion() async throws {
        let state = StateFolder()
        // The smallest limit is a mebibyte; a long request takes more than that.
        try await Server.run(["--state-dir", state.path, "--journal-size", "1"]) { server in
            guard case .object(var members) = Self.request(0) else { return }
            members["metadata"] = .string(String(repeating: "x", count: 1_100_000))
            members["stream"] = true
            members["max_tokens"] = 20
            let connection = try await server.connect()
            try await connection.send(
                "POST", "/v1/completions", headers: [("X-Stream-Resume", "1")], body: JSONValue.object(members).text)
            _ = try await connection.readHead()
            #expect(try StreamedText(await connection.readEvents()).endedOnce)
            try await server.wait { try await server.metric("martlet_journal_lost_total") == 1 }
            #expect(try await server.metric("martlet_journal_troubled") == 1)
        }
    }
}
