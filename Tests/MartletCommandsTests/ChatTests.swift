import MartletJSON
import Testing

@testable import MartletCommands

@Suite struct ChatTests {
    @Test(arguments: [
        ("hello there ", ChatInput.message("hello there")), ("//usr/bin", .message("/usr/bin")), ("   ", .nothing),
        ("/new", .new), ("/system Be  brief.", .system("Be  brief.")), ("/system", .system(nil)),
        ("/model", .model(nil)),
        ("/model tiny", .model("tiny")), ("/retry", .retry), ("/quit", .quit), ("/help", .help),
        ("/nwe", .unknownCommand("/nwe")), ("/skip", .order(.skip)), ("/pause", .order(.pause)),
        ("/resume", .order(.resume)), ("/temp 0.2", .order(.temperature(0.2))), ("/fork", .order(.fork)),
        ("/say  Be brief. ", .order(.say("Be brief."))), ("/rewind", .order(.rewind(nil))),
        ("/rewind a river", .order(.rewind("a river"))), ("/say", .wrong("/say needs what you want to say")),
        ("/temp hot", .wrong("/temp needs a temperature, such as /temp 0.2")),
        ("/temp -1", .wrong("/temp needs a temperature, such as /temp 0.2")),
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
            var events: [EventStreamParser.Part] = []
            var rest = Array(text.utf8)[...]
            while !rest.isEmpty {
                events += parser.feed(rest.prefix(size))
                rest = rest.dropFirst(size)
            }
            #expect(
                events == [
                    .comment(Array("ping".utf8)), .data(Array("{\"a\":1}".utf8)), .data(Array("two\nlines".utf8)),
                    .data(Array("[DONE]".utf8)),
                ])
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

    @Test func commentsTellWhichOrderTookEffect() {
        func events(_ text: String) -> [AnswerEvent] { AnswerEvent.events(inComment: Array(text.utf8)) }
        #expect(events(#"martlet-control {"applied":true,"action":"pause"}"#) == [.obeyed(action: "pause")])
        #expect(
            events(#"martlet-control {"action":"rewind","content_bytes":5}"#)
                == [.obeyed(action: "rewind", contentBytes: 5)])
        #expect(events("") == [])
        #expect(events("martlet-control nonsense") == [])
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
