import Foundation
import Logging
import MartletAPI
import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletSchema
import MartletServer
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletStreams

/// A server that is started with other flags than its predecessor replays every response byte for byte.
@Suite(.timeLimit(.minutes(15))) struct OtherFlagsTests {
    /// A request of each dialect, with the parts of a response that flags have an influence on.
    enum Case: String, CaseIterable, Sendable {
        case chat, verboseChat, wholeChat, tools, schema, choices, text, native, wholeNative

        var path: String {
            switch self {
            case .text: "/v1/completions"
            case .native, .wholeNative: "/completion"
            default: "/v1/chat/completions"
            }
        }

        var body: String {
            switch self {
            case .chat: OtherFlagsTests.chat(#","stream":true"#)
            case .verboseChat:
                OtherFlagsTests.chat(#","stream":true,"verbose":true,"stream_options":{"include_usage":true}"#)
            case .wholeChat: OtherFlagsTests.chat(#","background":true"#)
            case .tools:
                OtherFlagsTests.chat(
                    #","stream":true,"tools":[{"type":"function","function":{"name":"now","parameters":{"type":"object","properties":{"zone":{"type":"string"}}}}}]"#
                )
            case .schema:
                OtherFlagsTests.chat(
                    #","stream":true,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{"type":"string","maxLength":40},"b":{"anyOf":[{"type":"null"},{"type":"integer"}]}}}}}"#
                )
            case .choices: OtherFlagsTests.chat(#","stream":true,"n":2"#)
            case .text: #"{"prompt":["a","b"],"stream":true,"echo":true,"logprobs":1,"logit_bias":{"999999":1}}"#
            case .native: #"{"prompt":"a","stream":true,"stop":["END"],"grammar":"root ::= [a-z]+"}"#
            case .wholeNative:
                #"{"prompt":"a","background":true,"response_fields":["content","generation_settings/top_k","model"]}"#
            }
        }
    }

    private static func chat(_ more: String) -> String {
        #"{"messages":[{"role":"user","content":"hi"}]\#(more)}"#
    }

    private static let tokens = [
        "<think>", "\nGr", "üße", ".", "\n</think>", "\n\n", "Once", " upon", "\n<tool_call>\n{\"name\": \"now\", ",
        "\"arguments\": {\"zone\": \"Oslo\"}}\n</tool_call>",
    ]

    /// Another value of every setting that a view, an output parser or a template may depend on. Validated with these
    /// settings, no request of a test would be accepted.
    static func change(_ configuration: inout ServerConfiguration) {
        var defaults = CompletionDefaults()
        defaults.sampling.temperature = 0.1
        defaults.sampling.topK = 3
        defaults.sampling.samplers = [.topK]
        defaults.seed = 5
        defaults.reasoningFormat = .none
        defaults.isVerbose = true
        defaults.maximumTokens = 3
        defaults.stops = ["upon"]
        defaults.shiftsContext = true
        defaults.keptTokens = 4
        defaults.ignoresEndOfGeneration = true
        defaults.reusesPrompt = false
        defaults.pingInterval = nil
        defaults.schemaCompiler = SchemaCompiler(mode: .strict, spacing: .free)
        defaults.grammarLimits = GrammarLimits(textBytes: 1, rules: 1, nodes: 1)
        configuration.completionDefaults = defaults
        configuration.chatTemplate = "{% for m in messages %}[{{ m.content }}]{% endfor %}"
        configuration.skipsChatParsing = true
        configuration.modelNames = ["another"]
        configuration.build = "another build"
    }

    private static func serve(
        _ folder: String, script: FakeEngine.Script, isChanged: Bool = false,
        logger: Logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(state: .ready(JournalScenario.model), script: script, logger: logger) {
            configuration in
            configuration.journal = JournalConfiguration(path: folder)
            configuration.journal?.isRequired = true
            if isChanged { change(&configuration) }
        } body: {
            try await body($0)
        }
    }

    /// Everything that a client can read of a generation.
    private static func replay(_ id: String, _ server: TestServer) async throws -> [String] {
        var bodies: [String] = []
        for path in ["/v1/generations/\(id)/events", "/v1/generations/\(id)/result", "/v1/stream?conv_id=talk"] {
            bodies.append(try await server.send("GET", path).body)
        }
        return bodies
    }

    private static func begin(_ test: Case, _ server: TestServer) async throws -> (RawConnection, id: String) {
        let (connection, head) = try await server.open(
            [("X-Conversation-Id", "talk"), ("X-Stream-Resume", "1")], test.body, path: test.path)
        #expect(head.status == 200 || head.status == 202)
        return (connection, try #require(head["x-generation-id"]))
    }

    @Test(arguments: Case.allCases) func endedGenerationIsReplayedByteForByte(test: Case) async throws {
        let state = StateFolder()
        var (id, first) = ("", [String]())
        try await Self.serve(state.path, script: .complete(Self.tokens)) { server async throws in
            let (connection, name) = try await Self.begin(test, server)
            id = name
            _ = try await connection.readBody()
            first = try await Self.replay(id, server)
        }
        #expect(first.allSatisfy { !$0.isEmpty })
        try await Self.serve(state.path, script: .hold, isChanged: true) { server async throws in
            #expect(try await Self.replay(id, server) == first)
        }
        #expect(state.aside.isEmpty)
    }

    /// The rest of a response does not depend on the flags either: two servers continue copies of one journal.
    @Test(arguments: Case.allCases) func unfinishedGenerationContinuesTheSame(test: Case) async throws {
        let state = StateFolder()
        var id = ""
        try await Self.serve(state.path, script: .admit) { server async throws in
            let (connection, name) = try await Self.begin(test, server)
            id = name
            let count = [.text, .choices].contains(test) ? 2 : 1
            await server.engine.wait { $0.requests.count == count }
            for (index, text) in Self.tokens.prefix(7).enumerated() {
                server.engine.step(server.engine.requests.map(\.handle), token: Int32(index), text: text)
            }
            await server.edge.shutDown()
            // On a slow machine the time for closing passes, and the server cuts the connection.
            if !test.rawValue.hasPrefix("whole") { _ = try? await connection.readEvents() }
        }
        try FileManager.default.copyItem(atPath: state.path, toPath: state.path + "-copy")
        defer { try? FileManager.default.removeItem(atPath: state.path + "-copy") }
        var replays: [[String]] = []
        for (path, isChanged) in [(state.path, false), (state.path + "-copy", true)] {
            try await Self.serve(path, script: .complete(Self.tokens), isChanged: isChanged) { server async throws in
                // Returns at the end of the generation.
                _ = try await server.send("GET", "/v1/generations/\(id)/events")
                replays.append(try await Self.replay(id, server))
                #expect(server.engine.requests.allSatisfy { $0.parameters.sampling.temperature == 0.8 })
            }
        }
        #expect(replays[0].allSatisfy { !$0.isEmpty })
        #expect(replays[0] == replays[1])
    }

    /// A request that no engine has received continues with the options that its client was promised.
    @Test func waitingGenerationRunsWithItsOwnOptions() async throws {
        let state = StateFolder()
        var id = ""
        let loading = EngineState.loading(LoadProgress(stage: .starting, fraction: 0))
        try await TestServer.run(state: loading) { configuration in
            configuration.journal = JournalConfiguration(path: state.path)
        } body: { server async throws in
            let (connection, name) = try await Self.begin(.native, server)
            id = name
            try await connection.reset()
        }
        try await TestServer.run(state: .ready(JournalScenario.model), script: .complete(Self.tokens)) {
            configuration in
            configuration.journal = JournalConfiguration(path: state.path)
            configuration.completionDefaults.sampling.temperature = 0.1
            configuration.completionDefaults.maximumTokens = 3
        } body: { server async throws in
            let events = try await server.send("GET", "/v1/generations/\(id)/events").body
            let request = await server.engine.request(0)
            #expect(request.parameters.sampling.temperature == 0.8)
            #expect(request.parameters.maximumTokens == nil)
            #expect(request.parameters.constraint != nil)
            #expect(events.contains(#""temperature":0.8"#))
        }
    }

    // MARK: Damage

    /// Lines of a log.
    private final class Lines: Sendable {
        let lines = Mutex<[String]>([])

        struct Handler: LogHandler {
            let lines: Lines
            var metadata: Logger.Metadata = [:]
            var logLevel = Logger.Level.trace
            subscript(metadataKey key: String) -> Logger.Metadata.Value? {
                get { metadata[key] }
                set { metadata[key] = newValue }
            }
            func log(event: Logging.LogEvent) {
                lines.lines.withLock { $0.append("\(event.message) \(event.metadata ?? [:])") }
            }
        }
    }

    /// Replaces the two descriptions of a journal.
    private static func rewrite(_ bytes: [UInt8], _ change: (inout [UInt8]) -> Void) throws -> [UInt8] {
        var records = CurrentRecords()
        var (result, sequence) = (JournalFormat.header, UInt32(0))
        while case .record(let kind, let payload) = try records.next(in: JournalBytes(bytes)) {
            var changed: [UInt8] = []
            var reader = JournalFieldReader(payload)
            switch kind {
            case .head:
                let time: Int64 = try reader.value(1)
                var head = try JournalHead(from: &reader)
                change(&head.resolvedOptions)
                JournalFieldWriter.append(to: &changed) { JournalRecord.head(head, at: time).write(to: &$0) }
            case .request:
                var request = try JournalRequest(from: &reader)
                if !request.parserDescription.isEmpty { change(&request.parserDescription) }
                JournalFieldWriter.append(to: &changed) { request.write(to: &$0) }
            default: changed = Array(payload)
            }
            JournalFormat.append(kind, sequence: sequence, to: &result) { $0 += changed }
            sequence += 1
        }
        return result
    }

    private func journal(_ state: StateFolder) throws -> URL {
        URL(filePath: "\(state.path)/streams/\(try #require(state.files.first))")
    }

    /// Writes the journal of one chat.
    private func write(into state: StateFolder) async throws -> (id: String, replay: [String]) {
        var result = ("", [String]())
        try await Self.serve(state.path, script: .complete(Self.tokens)) { server async throws in
            let (connection, id) = try await Self.begin(.tools, server)
            _ = try await connection.readBody()
            result = (id, try await Self.replay(id, server))
        }
        return result
    }

    /// Without descriptions, as in journals of older builds, and with damaged ones, the request is read again.
    @Test(arguments: [true, false]) func requestIsReadAgainWithoutDescriptions(isDamaged: Bool) async throws {
        let state = StateFolder()
        let (id, first) = try await write(into: state)
        let file = try journal(state)
        try Data(
            Self.rewrite(Array(try Data(contentsOf: file))) { bytes in
                bytes = isDamaged ? Array(bytes.dropLast(2)) : []
            }
        ).write(to: file)
        let lines = Lines()
        let logger = Logger(label: "test") { _ in Lines.Handler(lines: lines) }
        try await Self.serve(state.path, script: .hold, logger: logger) { server async throws in
            #expect(try await Self.replay(id, server) == first)
        }
        let problems = lines.lines.withLock { $0.filter { $0.contains("damaged") } }
        #expect(problems.count == (isDamaged ? 1 : 0))
        #expect(problems.allSatisfy { $0.contains(id.suffix(32)) })
        #expect(state.aside.isEmpty && state.files.count == 1)
    }

    @Test func descriptionOfANewerBuildKeepsTheJournal() async throws {
        let state = StateFolder()
        let (id, first) = try await write(into: state)
        let file = try journal(state)
        let original = Array(try Data(contentsOf: file))
        // Field 1 is the version.
        try Data(Self.rewrite(original) { $0[1] += 1 }).write(to: file)
        try await Self.serve(state.path, script: .hold) { server async throws in
            #expect(try await server.send("GET", "/v1/generations/\(id)/events").head.status == 404)
        }
        let kept = URL(filePath: "\(state.path)/newer/\(file.lastPathComponent)")
        #expect(FileManager.default.fileExists(atPath: kept.path))
        try Data(original).write(to: kept)
        try await Self.serve(state.path, script: .hold) { server async throws in
            #expect(try await Self.replay(id, server) == first)
        }
    }
}
