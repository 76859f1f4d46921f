import Foundation
import MartletAPI
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import Testing

@Suite struct RealtimeTests {
    /// A file of the repository as text.
    private func file(_ path: String) throws -> String {
        let root = #filePath.split(separator: "/", omittingEmptySubsequences: false).dropLast(3).joined(separator: "/")
        return try String(contentsOfFile: "\(root)/\(path)", encoding: .utf8)
    }

    /// The names in the list after `label`.
    private func names(behind label: String, in text: String) throws -> [String] {
        let start = try #require(text.firstRange(of: label)).upperBound
        let list = text[start...].prefix { $0 != "]" }.drop { $0 != "[" }.dropFirst()
        return list.split(separator: ",").map { $0.filter { !$0.isWhitespace } }
    }

    @Test func descriptionsHaveEveryMessageAndNoOther() throws {
        let description = try file("docs/realtime.asyncapi.yaml")
        let guide = try file("docs/realtime.md")
        let types = RealtimeMessage.Kind.allCases.map(\.rawValue) + RealtimeReply.Kind.allCases.map(\.rawValue)
        #expect(description.matches(of: /type: {const: (\w+)}/).map { String($0.1) }.sorted() == types.sorted())
        let channel = description.matches(of: /\n {6}(\w+): {\$ref: '#\/components\/messages\/(\w+)'}/)
        #expect(channel.map { String($0.1) } == types)
        #expect(channel.map { String($0.2) } == types)
        let kinds = RealtimeEventView.Kind.allCases.map(\.rawValue)
        #expect(try names(behind: "kind:\n          enum:", in: description) == kinds)
        #expect(try names(behind: "action:\n          enum:", in: description) == ControlRequest.actionNames)
        for name in types + kinds { #expect(guide.contains("`\(name)`"), "\(name)") }
    }

    @Test func framesHaveTheirLength() {
        for count in [0, 125, 126, 65_535, 65_536] {
            let frame = SocketFrame.bytes(.text, Array(repeating: 0x61, count: count))
            let head: [UInt8] =
                switch count {
                case ...125: [0x81, UInt8(count)]
                case ...65_535: [0x81, 126, UInt8(count >> 8), UInt8(count & 0xFF)]
                default: [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]
                }
            #expect(Array(frame.prefix(head.count)) == head)
            #expect(frame.count == head.count + count)
        }
    }

    /// The message of each kind of event, without the frame.
    @Test func everyEventIsOneMessage() throws {
        let view = RealtimeEventView(
            head: ResponseHead(id: "chatcmpl-abc", created: 1, model: "m", fingerprint: "f"),
            probabilityStage: .beforeSampling)
        var completion = GenerationSummary(reason: .tokenLimit, timings: Timings())
        completion.timings.predictedTokens = 3
        var promptToken = TokenProbabilities(textOffset: 0)
        promptToken.append(id: 7, value: .infinity, bytes: [0x50])
        let events: [(LogEvent, String, String)] = [
            (.admitted(promptTokens: 4), "admitted", #""prompt_tokens":4"#),
            (.started(cachedTokens: 2), "started", #""cached_tokens":2"#),
            (
                .promptProgress(PromptProgress(total: 9, cached: 1, processed: 5, elapsed: .zero)), "progress",
                #""prompt_progress":{"total":9"#
            ),
            (
                .promptTokens([promptToken]), "prompt",
                #""text":"P","logprobs":[{"id":7,"token":"P","bytes":[80],"logprob":null,"top_logprobs":[]}]"#
            ),
            (.text(.reasoning, token: 5, bytes: [0x61]), "text", #""channel":"reasoning","token":5,"text":"a""#),
            (.text(.delimiter, token: nil, bytes: [0x3C]), "text", #""channel":"\#("markup")","text":"<""#),
            (.call(1, name: "f"), "call", #""call":1,"call_id":"call_abc0001","name":"f""#),
            (.arguments(call: 1, token: 6, bytes: [0x7B]), "arguments", #""call":1,"token":6,"text":"{""#),
            (.warning("w"), "warning", #""message":"w""#),
            (
                .controlled(LoggedCommand(.rewound, token: 3, cut: 2)), "control",
                #""control":{"applied":true,"action":"rewind","at_token":3,"event":7,"cut_event":2}"#
            ),
            (.choice(2, .text(.content, token: 5, bytes: [0x61])), "text", #""choice":2"#),
            (.choice(1, .ended(completion)), "ended", #""finish_reason":"length""#),
            (.finished(completion), "finished", #""completion_tokens":3"#),
            (.failed(EngineError(.overloaded, "full")), "failed", #""error":{"code":503"#),
            (.handedOver, "handover", "handover"),
        ]
        for (event, kind, part) in events {
            var bytes: [UInt8] = []
            view.encode(event, number: 7, into: &bytes)
            let text = String(decoding: bytes.drop { $0 != UInt8(ascii: "{") }, as: UTF8.self)
            let message = try JSONParser.parse(Array(text.utf8))
            #expect(message["kind"]?.stringValue == kind)
            #expect(message["id"] == "chatcmpl-abc")
            #expect(message["event"] == 7)
            #expect(text.contains(part), "\(text)")
        }
        var bytes: [UInt8] = []
        view.encode(.ping, number: 7, into: &bytes)
        #expect(bytes.isEmpty)
    }
}
