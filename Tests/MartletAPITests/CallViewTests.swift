import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections
import Testing

/// Tool calls in responses.
struct CallViewTests {
    private static func text(_ text: String) -> ArraySlice<UInt8> { Array(text.utf8)[...] }

    private static func events(_ reason: GenerationSummary.Reason, complete: Bool = true) -> [LogEvent] {
        var completion = GenerationSummary(reason: reason, timings: Timings())
        completion.endsInToolCalls = complete
        return [
            .started(cachedTokens: 0), .text(.delimiter, token: 1, bytes: text("<tool_call>")), .call(0, name: "f"),
            .arguments(call: 0, token: 2, bytes: text("{\"a\":")), .arguments(call: 0, token: nil, bytes: text("1}")),
            .call(1, name: "g"), .arguments(call: 1, token: 3, bytes: text("{}")), .warning("Odd."),
            .finished(completion),
        ]
    }

    private let head = ResponseHead(
        id: "chatcmpl-0123456789abcdef0123456789abcdef", created: 1, model: "m", fingerprint: "b")

    private func options() throws -> CompletionOptions {
        try ChatCompletionRequest(
            ["messages": [["role": "user", "content": "Hi"]]], defaults: CompletionDefaults(), randomSeed: 1
        ).options
    }

    private func view() throws -> ChatCompletionView { ChatCompletionView(head: head, options: try options()) }

    private func message(_ events: [LogEvent]) throws -> (choice: JSONValue, body: JSONValue) {
        let body = try JSONParser.parse(try view().response(for: events))
        return (try #require(body["choices"]?.arrayValue?.first), body)
    }

    /// Some parsers use the last value of a repeated key, and some refuse the object.
    @Test func warningsOfTheRequestAndOfTheCompletionAreOneMember() throws {
        var head = head
        head.warnings = ["Dropped."]
        let view = ChatCompletionView(head: head, options: try options())
        let whole = try view.response(for: Self.events(.endOfGeneration))
        var chunk: [UInt8] = []
        view.encode(.warning("Odd."), number: 1, into: &chunk)
        for body in [whole, Array(chunk.dropFirst(6))] {
            let text = String(decoding: body, as: UTF8.self)
            #expect(text.split(separator: "\"warnings\"", omittingEmptySubsequences: false).count == 2)
            #expect(try JSONParser.parse(body)["warnings"] == ["Dropped.", "Odd."])
        }
    }

    @Test func theMessageIsTheFoldOfTheStream() throws {
        let events = Self.events(.endOfGeneration)
        let view = try view()
        var calls: [(id: String, name: String, arguments: String)] = []
        var finish: String?
        for (number, event) in events.enumerated() {
            var bytes: [UInt8] = []
            view.encode(event, number: number, into: &bytes)
            for line in String(decoding: bytes, as: UTF8.self).split(separator: "\n\n") where !line.hasSuffix("[DONE]")
            {
                let choice = try JSONParser.parse(Array(line.dropFirst(6).utf8))["choices"]?.arrayValue?.first
                finish = choice?["finish_reason"]?.stringValue ?? finish
                for call in choice?["delta"]?["tool_calls"]?.arrayValue ?? [] {
                    let index = try #require(call["index"]?.integerValue)
                    if let id = call["id"]?.stringValue {
                        #expect(Int(index) == calls.count && call["type"] == "function")
                        calls.append((id, call["function"]?["name"]?.stringValue ?? "", ""))
                    }
                    calls[Int(index)].arguments += call["function"]?["arguments"]?.stringValue ?? ""
                }
            }
        }
        let (choice, body) = try message(events)
        let whole = try #require(choice["message"]?["tool_calls"]?.arrayValue)
        #expect(whole.map { $0["id"]?.stringValue } == calls.map(\.id))
        #expect(whole.map { $0["function"]?["name"]?.stringValue } == ["f", "g"])
        #expect(whole.map { $0["function"]?["arguments"]?.stringValue } == calls.map(\.arguments))
        #expect(calls.map(\.arguments) == ["{\"a\":1}", "{}"])
        #expect(choice["message"]?.objectValue?["content"] == .null)
        #expect(finish == "tool_calls" && choice["finish_reason"] == "tool_calls")
        #expect(body["warnings"] == ["Odd."])
        #expect(Set(calls.map(\.id)) == ["call_0123456789abcdef012345670000", "call_0123456789abcdef012345670001"])
    }

    /// Nine letters and digits, unique, and equal in every view of the generation.
    @Test func idsAreShortWhereTheTemplateDemandsIt() throws {
        var head = head
        head.hasShortCallIDs = true
        let view = ChatCompletionView(head: head, options: try options())
        func ids() throws -> [String] {
            let body = try JSONParser.parse(try view.response(for: Self.events(.endOfGeneration)))
            let message = body["choices"]?.arrayValue?.first?["message"]
            return (message?["tool_calls"]?.arrayValue ?? []).compactMap { $0["id"]?.stringValue }
        }
        let first = try ids()
        #expect(try first == ids() && Set(first).count == 2 && first.allSatisfy(ShortCallID.isShort))
    }

    @Test func limitsCountMoreThanCalls() throws {
        func finish(_ reason: GenerationSummary.Reason, complete: Bool = true) throws -> String? {
            try message(Self.events(reason, complete: complete)).choice["finish_reason"]?.stringValue
        }
        #expect(try finish(.stopText("x")) == "tool_calls")
        #expect(try finish(.tokenLimit) == "length")
        #expect(try finish(.contextFull) == "length")
        #expect(try finish(.cancelled) == "stop")
        #expect(try finish(.endOfGeneration, complete: false) == "stop")
    }
}
