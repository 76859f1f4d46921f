import Foundation
import MartletJSON
import MartletProtocol
import MartletServer
import MartletStreams
import MartletTestSupport
import Testing

/// A generation whose journal is test data in each format version.
///
/// A server writes the journal with a fake engine. `JournalSample` stores it with everything that its readers received.
enum JournalScenario: String, CaseIterable, Sendable {
    /// `/completion` with probabilities, timings, progress and a stop text.
    case plain
    /// A chat with reasoning and two tool calls.
    case calls
    /// Two choices, each with its own end.
    case choices
    /// Named control commands: `set`, `inject`, `pause`, `resume`, `stop`, and one that is refused.
    case controlled
    /// Handed over to a second server, which completes the response.
    case restarted
    /// The server was killed during the generation.
    case unfinished
    /// The engine failed.
    case failed
    /// `/v1/completions` with two prompts, an echo and logprobs. Since 4.1.
    case text
    /// A chat with reasoning whose content follows a schema, with `__verbose`. Since 4.1.
    case schema

    static let label = "golden"

    /// The output of the model when the scenario is continued.
    static let tokens = ["<think>", "\nGr", "üße", ".", "\n</think>", "\n\n", "Once", " upon", " a", " time"]

    /// The model with a template that has reasoning and tools.
    static let model: ModelInformation = {
        var model = ModelInformation.fake
        let template = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
            .deletingLastPathComponent().appendingPathComponent("tools/fledgling/chat_template.jinja")
        model.chatTemplate = try? String(contentsOf: template, encoding: .utf8)
        return model
    }()

    /// Runs one server with `folder` as its state.
    static func serve(
        _ folder: String, script: FakeEngine.Script, configure: (inout ServerConfiguration) -> Void = { _ in },
        _ body: (TestServer) async throws -> Void
    ) async throws {
        try await TestServer.run(state: .ready(model), script: script) { configuration in
            configuration.journal = JournalConfiguration(path: folder)
            configuration.journal?.isRequired = true
            // The journals are old when they are read.
            configuration.retainTime = .seconds(100 * 365 * 86_400)
            configure(&configuration)
        } body: {
            try await body($0)
        }
    }

    /// Writes the scenario's journal into `state`.
    func write(into state: StateFolder) async throws {
        let headers = [("X-Conversation-Id", Self.label)]
        switch self {
        case .plain:
            let body = """
                {"prompt":"Grüße an","stream":true,"n_predict":8,"n_probs":2,"timings_per_token":true,\
                "return_progress":true,"stop":["END"],"seed":7,"cache_prompt":false}
                """
            try await run(state, body, "/completion", headers) { server in
                let handle = await server.engine.request(0).handle
                server.engine.send(Self.scored(handle))
            }
        case .calls:
            let body = chat(stream: true, Self.tools)
            try await run(state, body, "/v1/chat/completions", headers) { server in
                let handle = await server.engine.request(0).handle
                for (id, text) in Self.calling.enumerated() {
                    server.engine.step([handle], token: Int32(id), text: text)
                }
                server.engine.finish(handle, timings: Self.timings(tokens: Self.calling.count))
            }
        case .choices:
            let body = chat(stream: true, #","n":2,"seed":3,"stream_options":{"include_usage":true}"#)
            try await run(state, body, "/v1/chat/completions", headers) { server in
                await server.engine.wait { $0.requests.count == 2 }
                let handles = server.engine.requests.map(\.handle)
                server.engine.step(handles, token: 5, text: "Once")
                server.engine.step([handles[1]], token: 6, text: " upon")
                server.engine.finish(handles[1], .tokenLimit, timings: Self.timings(tokens: 2))
                server.engine.step([handles[0]], token: 7, text: " twice")
                server.engine.finish(handles[0], timings: Self.timings(tokens: 2))
            }
        case .controlled:
            try await run(state, chat(stream: true), "/v1/chat/completions", headers) { server in
                try await Self.control(server)
            }
        case .text:
            let body = #"{"prompt":["Grüße","b"],"stream":true,"echo":true,"logprobs":1,"seed":11,"temperature":0.5}"#
            try await run(state, body, "/v1/completions", headers) { server in
                await server.engine.wait { $0.requests.count == 2 }
                for (index, request) in server.engine.requests.enumerated() {
                    server.engine.step([request.handle], token: Int32(index), text: " an")
                    server.engine.finish(request.handle, timings: Self.timings(tokens: 1))
                }
            }
        case .schema:
            let body = chat(stream: true, Self.schemaFields)
            try await run(state, body, "/v1/chat/completions", headers) { server in
                let handle = await server.engine.request(0).handle
                for (id, text) in ["<think>", "\nHm", "\n</think>\n\n", "{\"a\":", "\"b\"}"].enumerated() {
                    server.engine.step([handle], token: Int32(id), text: text)
                }
                server.engine.finish(handle, timings: Self.timings(tokens: 5))
            }
        case .failed:
            try await run(state, chat(stream: true), "/v1/chat/completions", headers) { server in
                let handle = await server.engine.request(0).handle
                server.engine.step([handle], token: 4, text: "Once")
                server.engine.fail(handle, EngineError(.generationFailed, "the sequence has no room"))
            }
        case .restarted:
            try await Self.serve(state.path, script: .admit) { server in
                let (connection, _) = try await server.open(headers)
                let handle = await server.engine.request(0).handle
                for (id, text) in Self.tokens.prefix(7).enumerated() {
                    server.engine.step([handle], token: Int32(id), text: text)
                }
                await server.edge.shutDown()
                // The server may cut the connection when its time for closing has passed.
                _ = try? await connection.readEvents()
            }
            try await Self.serve(state.path, script: .complete(Self.tokens)) { server in
                _ = try await server.send("GET", "/v1/stream?conv_id=\(Self.label)")
            }
        case .unfinished:
            try await Self.serve(state.path + "-alive", script: .admit) { server in
                let (connection, _) = try await server.open(headers)
                let handle = await server.engine.request(0).handle
                for (id, text) in Self.tokens.prefix(7).enumerated() {
                    server.engine.step([handle], token: Int32(id), text: text)
                }
                // A command that has a reply is durable.
                try await Self.applyCommand(
                    #"{"action":"pause","request_id":"first"}"#, .applied(.paused, token: 7), server)
                try FileManager.default.copyItem(atPath: state.path + "-alive", toPath: state.path)
                try await connection.reset()
            }
            try FileManager.default.removeItem(atPath: state.path + "-alive")
        }
    }

    private func run(
        _ state: StateFolder, _ body: String, _ path: String, _ headers: [(String, String)],
        _ answer: (TestServer) async throws -> Void
    ) async throws {
        try await Self.serve(state.path, script: .admit) { server in
            let (connection, head) = try await server.open(headers, body, path: path)
            #expect(head.status == 200)
            try await answer(server)
            _ = try await connection.readEvents()
        }
    }

    // MARK: The engine

    private static func timings(tokens: Int) -> Timings {
        var timings = Timings()
        timings.promptTokens = 9
        timings.cachedTokens = 4
        timings.predictedTokens = tokens
        timings.queueTime = .milliseconds(1)
        timings.promptTime = .microseconds(4_321)
        timings.predictedTime = .nanoseconds(12_345_678)
        return timings
    }

    /// Everything that an engine reports of one choice.
    private static func scored(_ handle: GenerationHandle) -> [EngineEvent] {
        func probabilities(_ text: String, _ offset: Int) -> TokenProbabilities {
            var value = TokenProbabilities(textOffset: offset)
            value.append(id: 4, value: -0.25, bytes: text.utf8)
            value.append(id: 9, value: -1.5, bytes: [0xC3])
            return value
        }
        var progress = PromptProgress(total: 9, cached: 4, processed: 9, elapsed: .microseconds(700))
        progress.slot = 1
        var events = [EngineEvent(handle, .promptProgress(progress))]
        for (index, text) in ["Ol", "ä", " No"].enumerated() {
            var event = EngineEvent(handle, .token(id: Int32(index), text: ArraySlice(text.utf8)))
            event.probabilities = [probabilities(text, index * 2)]
            event.tokenTimings = TokenTimings(slot: 1, timings: timings(tokens: index + 1))
            events.append(event)
        }
        var completion = GenerationSummary(reason: .stopText("END"), timings: timings(tokens: 4))
        completion.slot = 1
        completion.kvCacheTokens = 12
        completion.hasLineBreak = true
        completion.isTruncated = true
        var end = EngineEvent(handle, .finished(completion, text: ArraySlice("rd".utf8)))
        end.probabilities = [probabilities("rd", 6)]
        return events + [end]
    }

    private static let tools =
        #","tools":[{"type":"function","function":{"name":"now","parameters":{"type":"object","properties":{"zone":{"type":"string"}}}}}],"stream_options":{"include_usage":true},"timings_per_token":true"#

    private static let schemaFields =
        #","verbose":true,"seed":9,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"]}}}"#

    /// Delimiters are cut in odd places.
    private static let calling = [
        "<think>", "\nWhich", " zone?\n</", "think>\n\nLet me see.", "\n<tool_", "call>\n{\"na",
        "me\": \"now\", \"argu", "ments\": {\"zone\"", ": \"O", "slo\"}}\n</tool", "_call>",
        "\n<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>",
    ]

    /// Sends a control command to the only generation, which the engine replies to.
    private static func applyCommand(_ body: String, _ outcome: ControlResult, _ server: TestServer) async throws {
        let count = server.engine.commands.count
        let list = try json(try await server.send("GET", "/v1/generations").body)
        let id = try #require(list["data"]?.arrayValue?.first?["id"]?.stringValue)
        async let reply = server.send("POST", "/v1/generations/\(id)/control", body: body)
        let command = await server.engine.command(count)
        server.engine.send([EngineEvent(command.handle, .controlled(command.number, outcome))])
        _ = try await reply
    }

    private static func control(_ server: TestServer) async throws {
        let handle = await server.engine.request(0).handle
        func write(_ texts: String...) {
            for text in texts { server.engine.step([handle], token: 8, text: text) }
        }
        write("<think>", "\nHm")
        try await applyCommand(#"{"action":"pause","request_id":"p"}"#, .applied(.paused, token: 2), server)
        try await applyCommand(#"{"action":"resume","request_id":"r"}"#, .applied(.resumed, token: 2), server)
        try await applyCommand(#"{"action":"resume"}"#, .refused(.notPaused), server)
        var settings = AdjustableSettings()
        settings.sampling.temperature = 0.5
        settings.stops = ["x"]
        let change = SettingsChange(keys: [.temperature, .stops], values: settings)
        var old = AdjustableSettings()
        old.sampling.samplers = [.topK, .temperature]
        old.sampling.logitBiases = [LogitBias(.token(3), bias: -.infinity), LogitBias(.text("y"), bias: 2)]
        try await applyCommand(
            #"{"action":"set","changes":{"temperature":0.5,"stop":["x"]}}"#,
            .applied(.changed(change, old: old), token: 2), server)
        try await applyCommand(
            #"{"action":"reasoning_end"}"#, .applied(.reasoningEnded(tokens: 2), token: 2), server)
        write("\n</think>", "\n\n", "Well")
        try await applyCommand(
            #"{"action":"inject","content":", then","request_id":"i"}"#,
            .applied(.injected(opensTurn: false, tokens: 1), token: 5), server)
        write(", then", " more")
        try await applyCommand(#"{"action":"rewind","to_token":6}"#, .applied(.rewound, token: 6), server)
        write(" go")
        try await applyCommand(
            #"{"action":"stop","reason":"enough"}"#, .applied(.stopped(reason: "enough"), token: 7), server)
        server.engine.finish(handle, .stopped("enough"), timings: timings(tokens: 7))
    }
}
