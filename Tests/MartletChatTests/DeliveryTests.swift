import MartletAPI
import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletStreams
import MartletTestSupport
import Testing

@testable import MartletChat

/// The same tokens give the same message, whatever the number of tokens per event, streamed or as one object.
@Suite struct DeliveryTests {
    /// The number of tokens per delivery: one event each, or one event with the text of all.
    private static let deliveries = [(1, false), (2, true), (5, false), (5, true), (Int.max, false), (Int.max, true)]

    @Test(.enabled(if: TemplateFolder.isThere, "../shared/chat-templates is not there"))
    func whatTemplatesRender() throws {
        var delivered: Set<String> = []
        for name in try TemplateFolder.names() {
            let template = try ChatTemplate(
                source: TemplateFolder.source(name), beginningToken: "<BOS>", endToken: "<EOS>")
            let calls = SampleTurns.calls(for: template.format.format.name)
            for test in SampleTurns.cases where test.callCount == 2 || !test.reasoning.isEmpty {
                let message = SampleTurns.message(test, Array(calls.prefix(test.callCount)))
                guard let turn = SampleTurns.turn(of: message, template, name) else { continue }
                let read = try checkDelivery(
                    of: turn.text, template.format, SampleTurns.offered, after: turn.opening, "\(name), \(test)")
                if !read.calls.isEmpty || !read.reasoning.isEmpty { delivered.insert(name) }
            }
        }
        #expect(delivered.count == 47)
    }

    /// Texts that the grammars allow, also of formats whose templates do not render past calls.
    @Test(arguments: ChatFormat.all.indices) func outputThatGrammarsAllowIsDeliveredAlike(chatFormat: Int) throws {
        let format = ChatFormat.all[chatFormat]
        let tools = OfferedTools([
            OfferedTools.Tool(name: "now", parameters: ["type": "object", "properties": [:]]),
            OfferedTools.Tool(
                name: "find",
                parameters: [
                    "type": "object", "properties": ["text": ["type": "string"], "most": ["type": "integer"]],
                ]),
        ])
        let prepared = PreparedChatFormat(format)
        let opening = SampledText.opening(of: format)
        let maker = OutputGrammar(
            prepared, prompt: RenderedPrompt(segments: [], reasoning: .undecided, opening: opening))
        let grammar = try #require(
            try maker.grammar(tools: tools.tools, requirement: .calls, allowsSeveral: true)?.grammar)
        var random = SeededGenerator(seed: 5)
        var calls: [Int] = []
        for _ in 0..<200 where calls.count < 2 || calls.max() == 1 && format.calls?.allowsSeveral == true {
            guard let text = SampledText.sample(from: grammar, format, &random) else { continue }
            let read = try checkDelivery(of: text, prepared, tools, after: opening, format.name)
            calls.append(read.calls.count)
        }
        #expect(calls.count >= 2 && !calls.contains(0), "\(format.name): \(calls)")
        #expect(calls.contains { $0 > 1 } == format.calls?.allowsSeveral, "\(format.name): \(calls)")
    }

    /// - Returns: the delivered message.
    private func checkDelivery(
        of text: String, _ format: PreparedChatFormat, _ tools: OfferedTools, after opening: String, _ label: String
    ) throws -> ReadMessage {
        let read = ReadMessage(text, format, tools: tools, after: opening)
        let meant = DeliveredMessage(read)
        let parser = OutputParser(format, tools: tools, after: opening)
        let tokens = Self.tokens(of: text)
        for (size, isOneEvent) in Self.deliveries {
            let delivery = try Delivery(of: tokens, by: size, isOneEvent: isOneEvent, parser)
            let label = Comment(rawValue: "\(label), \(size) at a time: \(text.debugDescription)")
            #expect(try delivery.streamed() == meant, label)
            #expect(try delivery.whole() == meant, label)
        }
        return read
    }

    /// Pieces of one to six characters, the same for each run.
    private static func tokens(of text: String) -> [String] {
        var random = SeededGenerator(seed: 3)
        var tokens: [String] = []
        var rest = text.unicodeScalars[...]
        while !rest.isEmpty {
            let count = Int.random(in: 1...6, using: &random)
            tokens.append(String(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        return tokens
    }
}

/// A message as clients see it, without ids.
private struct DeliveredMessage: Equatable {
    struct Call: Equatable {
        var name: String
        var arguments: String
    }
    var content = ""
    var reasoning = ""
    var calls: [Call] = []
    var warnings: [String] = []
    var finishReason = ""

    init() {}

    init(_ read: ReadMessage) {
        content = read.content
        reasoning = read.reasoning
        calls = read.calls.map { Call(name: $0.name, arguments: $0.arguments) }
        warnings = read.warnings
        finishReason = !calls.isEmpty && read.calls.allSatisfy(\.isComplete) ? "tool_calls" : "stop"
    }
}

/// The parser as the server uses it.
private struct CountingParser: OutputParsing {
    var parser: OutputParser

    mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) { parser.append(bytes, emit: emit) }
    mutating func finish(emit: (OutputPiece) -> Void) { parser.finish(emit: emit) }
}

/// A generation whose engine has emitted all of its tokens, and its terminal event.
private struct Delivery {
    private let log: GenerationLog
    private let view: ChatCompletionView

    init(of tokens: [String], by size: Int, isOneEvent: Bool, _ parser: OutputParser) throws {
        let head = LogHead(created: 1, model: "m")
        view = ChatCompletionView(
            head: ResponseHead(id: "chatcmpl-\(head.id)", created: 1, model: "m", fingerprint: "b"),
            options: CompletionOptions(defaults: CompletionDefaults()))
        let registry = GenerationRegistry()
        let engine = FakeEngine(registry, script: .admit)
        registry.connect(to: engine)
        let generation = try registry.prepare(GenerationSpec(head: head, view: view))
        let handle = generation.handle
        registry.submit(
            GenerationRequest(handle: handle, prompt: Prompt(pieces: [], addsBeginning: false)),
            parser: CountingParser(parser: parser))
        var rest = tokens[...]
        while !rest.isEmpty {
            let group = rest.prefix(size)
            rest = rest.dropFirst(size)
            let texts = isOneEvent ? [group.joined()] : Array(group)
            engine.send(texts.map { EngineEvent(handle, .token(id: 1, text: Array($0.utf8)[...])) })
        }
        engine.finish(handle)
        log = generation.log
    }

    /// The fold of the stream's chunks.
    func streamed() throws -> DeliveredMessage {
        var message = DeliveredMessage()
        for (number, event) in log.events.enumerated() {
            var bytes: [UInt8] = []
            view.encode(event, number: number, into: &bytes)
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n\n") {
                guard line.hasPrefix("data: {") else { continue }
                let chunk = try JSONParser.parse(Array(line.dropFirst(6).utf8))
                message.warnings += chunk["warnings"]?.arrayValue?.compactMap(\.stringValue) ?? []
                let choice = try #require(chunk["choices"]?.arrayValue?.first)
                message.finishReason = choice["finish_reason"]?.stringValue ?? message.finishReason
                let delta = try #require(choice["delta"])
                message.content += delta["content"]?.stringValue ?? ""
                message.reasoning += delta["reasoning_content"]?.stringValue ?? ""
                for call in delta["tool_calls"]?.arrayValue ?? [] {
                    let index = Int(try #require(call["index"]?.integerValue))
                    if let name = call["function"]?["name"]?.stringValue {
                        #expect(index == message.calls.count)
                        message.calls.append(.init(name: name, arguments: ""))
                    }
                    message.calls[index].arguments += call["function"]?["arguments"]?.stringValue ?? ""
                }
            }
        }
        return message
    }

    /// The response without streaming.
    func whole() throws -> DeliveredMessage {
        let body = try JSONParser.parse(try view.response(for: log.events))
        let choice = try #require(body["choices"]?.arrayValue?.first)
        let reported = try #require(choice["message"])
        var message = DeliveredMessage()
        message.content = reported["content"]?.stringValue ?? ""
        message.reasoning = reported["reasoning_content"]?.stringValue ?? ""
        message.calls = (reported["tool_calls"]?.arrayValue ?? []).map { call in
            .init(
                name: call["function"]?["name"]?.stringValue ?? "",
                arguments: call["function"]?["arguments"]?.stringValue ?? "")
        }
        message.warnings = body["warnings"]?.arrayValue?.compactMap(\.stringValue) ?? []
        message.finishReason = choice["finish_reason"]?.stringValue ?? ""
        return message
    }
}
