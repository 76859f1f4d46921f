import MartletJSON
import Testing

@testable import MartletCommands

@Suite struct ChatTests {
    @Test(arguments: [
        ("hello there ", ChatInput.message("hello there")), ("//usr/bin", .message("/usr/bin")), ("   ", .nothing),
        ("/new", .new), ("/system Be  brief.", .system("Be  brief.")), ("/system", .system(nil)),
        ("/model", .model(nil)),
        ("/model tiny", .model("tiny")), ("/retry", .retry), ("/quit", .quit), ("/help", .help),
        ("/nwe", .unknownCommand("/nwe")),
    ])
    func linesAreCommandsOrMessages(line: String, input: ChatInput) {
        #expect(ChatInput(line: line) == input)
    }

    @Test func aStoppedAnswerStaysAndIsReplacedByRetry() throws {
        var conversation = Conversation(system: "Be brief.")
        conversation.ask("one?")
        conversation.answer("Once upon")
        let body = try JSONParser.parse(conversation.requestBody())
        let roles = body["messages"]?.arrayValue?.compactMap { $0["role"]?.stringValue }
        #expect(roles == ["system", "user", "assistant"])
        #expect(body["stream"]?.boolValue == true)
        #expect(body["model"] == nil)
        let canRetry = conversation.retry()
        #expect(canRetry)
        #expect(conversation.messages == [Conversation.Message(role: "user", content: "one?")])
        conversation.withdrawQuestion()
        let canRetryNothing = conversation.retry()
        #expect(!canRetryNothing)
    }

    @Test func eventsSurviveAnyChunking() {
        let text = ": ping\n\ndata: {\"a\":1}\r\n\r\nevent: x\ndata: two\ndata:lines\n\ndata: [DONE]\n\n"
        for size in 1...20 {
            var parser = EventStreamParser()
            var events: [String] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                events += parser.feed(rest.prefix(size)).map { String(decoding: $0, as: UTF8.self) }
                rest = rest.dropFirst(size)
            }
            #expect(events == ["{\"a\":1}", "two\nlines", "[DONE]"])
        }
    }

    @Test func chunksTellTextThinkingAndErrors() {
        func events(_ text: String) -> [AnswerEvent] { AnswerEvent.events(inChunk: Array(text.utf8)) }
        #expect(events(#"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#) == [])
        #expect(events(#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#) == [.thinking("hm")])
        #expect(events(#"{"choices":[{"delta":{"content":"hi"}}]}"#) == [.content("hi")])
        #expect(events(#"{"choices":[],"usage":{}}"#) == [])
        #expect(events(#"{"error":{"message":"lost","code":500}}"#) == [.failed("lost")])
        #expect(events("[DONE]") == [])
    }

    @Test func thinkingIsDimmedAndAnswersCannotSteerTheTerminal() {
        var printer = AnswerPrinter(showsThinking: true)
        var output = printer.print(.thinking("hm"))
        output += printer.print(.content("hi\u{1B}[2J"))
        output += printer.end()
        #expect(output == "\u{1B}[2mhm\n\u{1B}[0m\nhi[2J\n")
        var quiet = AnswerPrinter(showsThinking: false)
        #expect(quiet.print(.thinking("hm")) + quiet.print(.content("hi\n")) + quiet.end() == "hi\n")
    }

    @Test func historyLinesSurviveTheirFile() {
        for line in ["plain", "two\nlines", "back\\slash", "\\n", "\\"] {
            #expect(ChatHistory.unescaped(ChatHistory.escaped(line)) == line)
            #expect(!ChatHistory.escaped(line).contains("\n"))
        }
    }
}
