import MartletAPI
import MartletConversation
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

/// A generation as Anthropic's message.
struct MessagesViewTests {
    private let view: MessagesView

    init() throws {
        var head = ViewTests.head
        head.id = "msg_0123456789abcdef0123456789abcdef"
        view = MessagesView(head: head, options: try .of([:]))
    }

    static func text(_ channel: MartletProtocol.OutputChannel, _ text: String) -> LogEvent {
        .text(channel, token: 1, bytes: Array(text.utf8)[...])
    }

    static func arguments(_ call: Int, _ text: String) -> LogEvent {
        .arguments(call: call, token: 1, bytes: Array(text.utf8)[...])
    }

    static func end(_ reason: GenerationSummary.Reason, calls: Bool = false) -> LogEvent {
        var completion = ViewTests.completion
        completion.reason = reason
        completion.endsInToolCalls = calls
        return .finished(completion)
    }

    /// Every kind of item, in an order that changes often.
    static let output: [LogEvent] = [
        text(.delimiter, "<think>"), text(.reasoning, "H\"m"), text(.reasoning, ".\n"), text(.delimiter, "</think>"),
        text(.content, ""), text(.content, "Wé"), .ping, text(.content, "ll 😀."), .call(0, name: "get"),
        arguments(0, "{\"a\":"), arguments(0, "[1]}"), .call(1, name: "none"), text(.reasoning, "More."),
        text(.content, "Last"),
    ]

    static func whole(_ output: [LogEvent], _ end: LogEvent) -> [LogEvent] {
        [.admitted(promptTokens: 10), .started(cachedTokens: 4)] + output + [end]
    }

    /// The events of a stream, without pings.
    private func events(_ log: [LogEvent]) throws -> [(name: String, data: JSONValue)] {
        try view.parts(of: log).filter { !$0.hasPrefix(":") }.map { part in
            let lines = part.split(separator: "\n")
            return (
                String(lines[0].dropFirst("event: ".count)),
                try JSONParser.parse(Array(lines[1].utf8.dropFirst("data: ".utf8.count)))
            )
        }
    }

    /// The message that a client assembles from a stream, as Anthropic's libraries do.
    private func assembled(_ log: [LogEvent]) throws -> JSONValue {
        var message: JSONObject = [:]
        var blocks: [JSONObject] = []
        var input = ""
        for (name, data) in try events(log) {
            #expect(data["type"] == .string(name))
            switch name {
            case "message_start": message = data["message"]?.objectValue ?? [:]
            case "content_block_start":
                #expect(data["index"] == .integer(Int64(blocks.count)))
                blocks.append(data["content_block"]?.objectValue ?? [:])
                input = ""
            case "content_block_delta":
                #expect(data["index"] == .integer(Int64(blocks.count - 1)))
                for (key, value) in data["delta"]?.objectValue ?? [:] where key != "type" {
                    if key == "partial_json" {
                        input += value.stringValue ?? ""
                    } else {
                        let old = blocks[blocks.count - 1][key]?.stringValue ?? ""
                        blocks[blocks.count - 1][key] = .string(old + (value.stringValue ?? ""))
                    }
                }
            case "content_block_stop":
                guard blocks[blocks.count - 1]["type"] == "tool_use" else { continue }
                blocks[blocks.count - 1]["input"] = input.isEmpty ? [:] : try JSONParser.parse(Array(input.utf8))
            case "message_delta":
                message.merge(data["delta"]?.objectValue ?? [:]) { $1 }
                message["usage"] = data["usage"]
            default: break
            }
        }
        message["content"] = .array(blocks.map { .object($0) })
        return .object(message)
    }

    private static func sorted(_ value: JSONValue) -> JSONValue {
        switch value {
        case .array(let elements): .array(elements.map(sorted))
        case .object(let members):
            .object(
                JSONObject(
                    uniqueKeysWithValues: members.sorted { $0.key < $1.key }.map { ($0.key, sorted($0.value)) }))
        default: value
        }
    }

    @Test func theEventsHaveAnthropicsOrder() throws {
        let names = try events(Self.whole(Self.output, Self.end(.endOfGeneration))).map(\.name)
        let block = ["content_block_start", "content_block_delta", "content_block_stop"]
        #expect(
            names == ["message_start", block[0], block[1], block[1], block[1], block[2]] + [block[0], block[1], "ping"]
                + [block[1], block[2]] + [block[0], block[1], block[1], block[2]] + [block[0], block[2]]
                + [block[0], block[1], block[1], block[2]] + block + ["message_delta", "message_stop"])
    }

    @Test func aStreamIsTheWholeMessage() throws {
        let ends = [
            Self.end(.endOfGeneration), Self.end(.endOfGeneration, calls: true), Self.end(.stopText("\"x")),
            Self.end(.tokenLimit), Self.end(.contextFull), Self.end(.cancelled),
        ]
        for end in ends {
            for count in 0...Self.output.count {
                let log = Self.whole(Array(Self.output[..<count]), end)
                // A call that is cut off has other arguments in the whole message: their certain part.
                guard count != 10 else { continue }
                let whole = try JSONParser.parse(view.response(for: log))
                #expect(Self.sorted(try assembled(log)) == Self.sorted(whole))
            }
        }
    }

    @Test func thePartsOfAMessageAreAnthropics() throws {
        let message = try JSONParser.parse(
            view.response(for: Self.whole(Array(Self.output[..<11]), Self.end(.endOfGeneration, calls: true))))
        #expect(message["type"] == "message" && message["role"] == "assistant" && message["stop_reason"] == "tool_use")
        let blocks = message["content"]?.arrayValue ?? []
        #expect(blocks.map { $0["type"] } == ["thinking", "text", "tool_use"])
        #expect(blocks[2]["input"] == ["a": [1]] && blocks[2]["name"] == "get")
        #expect(
            message["usage"] == [
                "input_tokens": 6, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 4, "output_tokens": 5,
            ])
        #expect(message["stop_sequence"] == nil)
        let stopped = try JSONParser.parse(view.response(for: Self.whole([], Self.end(.stopText("END")))))
        #expect(stopped["stop_reason"] == "stop_sequence" && stopped["stop_sequence"] == "END")
    }

    @Test func aCallThatIsCutOffHasItsCertainArguments() throws {
        let log = Self.whole([.call(0, name: "f"), Self.arguments(0, "{\"a\":1,\"b\":\"tex")], Self.end(.tokenLimit))
        let message = try JSONParser.parse(view.response(for: log))
        #expect(message["content"]?.arrayValue?[0]["input"] == ["a": 1, "b": "tex"])
        #expect(message["stop_reason"] == "max_tokens")
    }

    @Test func thinkingIsSignedAndTheSignatureIsRecognised() throws {
        let log = Self.whole([Self.text(.reasoning, "Hm."), Self.text(.content, "Hi")], Self.end(.endOfGeneration))
        let blocks = try JSONParser.parse(view.response(for: log))["content"]
        func warnings(_ content: JSONValue?) throws -> [String] {
            try MessagesRequest.read(
                [
                    "max_tokens": 1,
                    "messages": [
                        ["role": "user", "content": "a"], ["role": "assistant", "content": content ?? .null],
                    ],
                ], defaults: CompletionDefaults(), randomSeed: 0
            ).options.warnings
        }
        #expect(try warnings(blocks) == [])
        var changed = blocks?.arrayValue?[0].objectValue ?? [:]
        changed["thinking"] = "Other."
        #expect(try warnings([.object(changed)]).count == 1)
        changed["signature"] = "EqQBCgIYAhIM"
        #expect(try warnings([.object(changed)]) == [])
    }

    @Test func pingsBeforeTheMessageAreComments() throws {
        let parts = try view.parts(of: [.ping, .admitted(promptTokens: 1), .ping, Self.end(.endOfGeneration)])
        #expect(parts[0].hasPrefix(":"))
        #expect(parts[1].hasPrefix("event: message_start"))
        #expect(parts[2].hasPrefix("event: ping"))
    }

    @Test func aFailureIsAnErrorEvent() throws {
        let names = try events([
            .admitted(promptTokens: 1), .started(cachedTokens: 0), Self.text(.content, "Hi"),
            .failed(EngineError(.engineLost, "lost")),
        ])
        #expect(names.map(\.name).suffix(2) == ["content_block_stop", "error"])
        #expect(names.last?.data["error"] == ["type": "api_error", "message": "lost"])
    }

    @Test func errorsHaveAnthropicsWordsAndStatuses() throws {
        let form = Dialect.errors(at: "/v1/messages/count_tokens")
        let cases: [(APIError, Int, String)] = [
            (.field("a", "b"), 400, "invalid_request_error"),
            (APIError(.authentication, "a"), 401, "authentication_error"),
            (APIError(.forbidden, "a"), 403, "permission_error"), (APIError(.notFound, "a"), 404, "not_found_error"),
            (APIError(.tooLarge, "a"), 413, "request_too_large"),
            (APIError(.rateLimited, "a"), 429, "rate_limit_error"),
            (APIError(.failed, "a"), 500, "api_error"), (APIError(.overloaded, "a"), 529, "overloaded_error"),
            (APIError(.unavailable, "a"), 529, "overloaded_error"),
            (APIError(.contextExceeded, "a"), 400, "invalid_request_error"),
        ]
        for (error, status, type) in cases {
            #expect(form.status(error) == status)
            let body = try JSONParser.parse(form.body(error))
            #expect(body["type"] == "error" && body["error"]?["type"] == .string(type))
        }
        #expect(Dialect.errors(at: "/v1/chat/completions").status(APIError(.overloaded, "a")) == 503)
    }
}
