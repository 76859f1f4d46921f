import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import MartletTestSupport
import OrderedCollections
import Testing

/// A generation as lines of JSON.
struct OllamaViewTests {
    private func view(_ form: OllamaView.Form) throws -> OllamaView {
        OllamaView(head: ViewTests.head, options: try .of([:]), form: form)
    }

    private func encoded(_ log: [LogEvent], _ view: OllamaView) -> String {
        let generation = GenerationLog(head: LogHead(created: 0, model: "m"))
        for event in log { generation.append(event) }
        var state = ViewState()
        var bytes: [UInt8] = []
        for (number, event) in log.enumerated() {
            view.encode(
                event, number: number, state: &state, history: LogHistory(of: generation), into: &bytes)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private func lines(_ log: [LogEvent], _ view: OllamaView) throws -> [JSONValue] {
        try encoded(log, view).split(separator: "\n").map { try JSONParser.parse(Array($0.utf8)) }
    }

    /// The object that a client makes of all lines.
    private func folded(_ lines: [JSONValue], _ form: OllamaView.Form) -> (
        content: String, thinking: String, calls: [JSONValue]
    ) {
        var folded = (content: "", thinking: "", calls: [] as [JSONValue])
        for line in lines {
            let part = form == .chat ? line["message"] : line
            folded.content += part?[form == .chat ? "content" : "response"]?.stringValue ?? ""
            folded.thinking += part?["thinking"]?.stringValue ?? ""
            folded.calls += part?["tool_calls"]?.arrayValue ?? []
        }
        return folded
    }

    @Test(arguments: [OllamaView.Form.chat, .generate]) func aToolCallIsOneLine(form: OllamaView.Form) throws {
        let log = MessagesViewTests.whole(
            MessagesViewTests.output, MessagesViewTests.end(.endOfGeneration, calls: true))
        let lines = try lines(log.filter { $0 != .ping }, try view(form))
        let folded = folded(lines, form)
        #expect(folded.content == "Wéll 😀.Last" && folded.thinking == "H\"m.\nMore.")
        #expect(
            folded.calls == [
                ["function": ["name": "get", "arguments": ["a": [1]]]],
                ["function": ["name": "none", "arguments": [:]]],
            ])
        #expect(lines.map { $0["done"] == true } == Array(repeating: false, count: lines.count - 1) + [true])
        #expect(lines.allSatisfy { $0["model"]?.stringValue == ViewTests.head.model && $0["created_at"] != nil })
    }

    /// For random outputs the lines together are the whole response, also when a part of the log is encoded later.
    @Test func aStreamIsTheWholeResponse() throws {
        var random = SeededGenerator(seed: 5)
        for _ in 0..<200 {
            var output: [LogEvent] = []
            var calls = 0
            for _ in 0..<Int.random(in: 0...12, using: &random) {
                switch Int.random(in: 0..<5, using: &random) {
                case 0: output.append(MessagesViewTests.text(.reasoning, "r\(output.count)\n"))
                case 1: output.append(MessagesViewTests.text(.delimiter, "<x>"))
                case 2 where calls < 4:
                    output.append(.call(calls, name: "f\(calls)"))
                    for piece in ["{\"a\"", ":", "\(calls)}"].prefix(Int.random(in: 2...3, using: &random)) {
                        output.append(MessagesViewTests.arguments(calls, piece))
                    }
                    calls += 1
                default: output.append(MessagesViewTests.text(.content, "c\(output.count)é"))
                }
            }
            let log = MessagesViewTests.whole(output, MessagesViewTests.end(.tokenLimit))
            for form in [OllamaView.Form.chat, .generate] {
                let view = try view(form)
                let streamed = try lines(log, view)
                let whole = try JSONParser.parse(try view.response(for: log))
                let (one, many) = (folded([whole], form), folded(streamed, form))
                #expect(one.content == many.content && one.thinking == many.thinking && one.calls == many.calls)
                for name in ["done_reason", "eval_count", "total_duration", "created_at", "prompt_eval_count"] {
                    #expect(whole[name] == streamed.last?[name] && whole[name] != nil, "\(name)")
                }
            }
        }
    }

    @Test func aFailureIsAnErrorLineAndAHandoverKeepsTheOffsets() throws {
        let view = try view(.chat)
        let failed: [LogEvent] = [.admitted(promptTokens: 1), .failed(EngineError(.generationFailed, "no \"luck\""))]
        #expect(try lines(failed, view).last?["error"]?.stringValue?.contains("no \"luck\"") == true)
        var (handover, trace) = ([] as [UInt8], encoded([.handedOver], view))
        view.encodeHandover(number: 3, into: &handover)
        #expect(handover.count == trace.utf8.count && trace.allSatisfy { $0 == " " })
        // The blanks precede an object, so a line stays one JSON value.
        trace += encoded([MessagesViewTests.text(.content, "x")], view)
        #expect(try JSONParser.parse(Array(trace.utf8))["message"]?["content"] == "x")
        #expect(encoded([.ping], view).isEmpty)
    }

    @Test func eventsOfTheNumberedStreamAreServerSentEvents() throws {
        let numbered = NumberedEventView(try view(.chat).eventStream)
        let parts = try numbered.parts(
            of: MessagesViewTests.whole(
                [MessagesViewTests.text(.content, "x")], MessagesViewTests.end(.endOfGeneration)))
        #expect(parts.count == 2 && parts.allSatisfy { $0.contains("id: ") && $0.contains("data: {\"model\"") })
    }
}
