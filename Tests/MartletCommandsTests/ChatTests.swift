import MartletJSON
import Testing

@testable import MartletCommands

@Suite struct ChatTests {
    @Test(arguments: [
        ("hello there ", ChatInput.message("hello there")), ("//usr/bin", .message("/usr/bin")), ("   ", .nothing),
        ("/new", .new), ("/system Be  brief.", .system("Be  brief.")), ("/system", .system(nil)),
        ("/model", .model(nil)),
        ("/model tiny", .model("tiny")), ("/retry", .retry), ("/quit", .quit), ("/help", .help),
        ("/nwe", .unknownCommand("/nwe")), ("/skip", .control(.skip)), ("/pause", .control(.pause)),
        ("/resume", .control(.resume)), ("/temp 0.2", .control(.temperature(0.2))), ("/fork", .control(.fork)),
        ("/say  Be brief. ", .control(.say("Be brief."))), ("/rewind", .control(.rewind(nil))),
        ("/rewind a river", .control(.rewind("a river"))),
        ("/say", .invalid("/say needs a text, such as /say In short, please.")),
        ("/temp hot", .invalid("/temp needs a temperature, such as /temp 0.2")),
        ("/temp -1", .invalid("/temp needs a temperature, such as /temp 0.2")),
    ])
    func linesAreCommandsOrMessages(line: String, input: ChatInput) {
        #expect(ChatInput(line: line) == input)
    }

    @Test func stoppedOutputStaysAndIsReplacedByRetry() throws {
        var conversation = Conversation(system: "Be brief.")
        conversation.appendUser("one?")
        conversation.appendAssistant("Once upon")
        let body = try JSONParser.parse(conversation.requestBody())
        let roles = body["messages"]?.arrayValue?.compactMap { $0["role"]?.stringValue }
        #expect(roles == ["system", "user", "assistant"])
        #expect(body["stream"]?.boolValue == true)
        #expect(body["model"] == nil)
        let canRetry = conversation.retry()
        #expect(canRetry)
        #expect(conversation.messages == [Conversation.Message(role: "user", content: "one?")])
        conversation.removeUnansweredMessage()
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

    @Test func chunksContainTextReasoningAndErrors() {
        func events(_ text: String) -> [ChatStreamEvent] { ChatStreamEvent.events(inChunk: Array(text.utf8)) }
        #expect(events(#"{"choices":[{"delta":{"role":"assistant","content":null}}]}"#) == [])
        #expect(events(#"{"choices":[{"delta":{"reasoning_content":"hm"}}]}"#) == [.reasoning("hm")])
        #expect(events(#"{"choices":[{"delta":{"content":"hi"}}]}"#) == [.content("hi")])
        #expect(events(#"{"choices":[],"usage":{}}"#) == [])
        #expect(events(#"{"error":{"message":"lost","code":500}}"#) == [.failed("lost")])
        #expect(events("[DONE]") == [])
    }

    @Test func commentsReportAppliedControlCommands() {
        func events(_ text: String) -> [ChatStreamEvent] { ChatStreamEvent.events(inComment: Array(text.utf8)) }
        #expect(events(#"martlet-control {"applied":true,"action":"pause"}"#) == [.controlApplied(action: "pause")])
        #expect(
            events(#"martlet-control {"action":"rewind","content_bytes":5}"#)
                == [.controlApplied(action: "rewind", contentBytes: 5)])
        #expect(events("") == [])
        #expect(events("martlet-control nonsense") == [])
    }

    @Test func reasoningIsDimmedAndOutputCannotControlTheTerminal() {
        var printer = OutputPrinter(showsReasoning: true)
        var output = printer.print(.reasoning("hm"))
        output += printer.print(.content("hi\u{1B}[2J"))
        output += printer.end()
        #expect(output == "\u{1B}[2mhm\n\u{1B}[0m\nhi[2J\n")
        var quiet = OutputPrinter(showsReasoning: false)
        #expect(quiet.print(.reasoning("hm")) + quiet.print(.content("hi\n")) + quiet.end() == "hi\n")
    }

    @Test func historyLinesSurviveTheirFile() {
        for line in ["plain", "two\nlines", "back\\slash", "\\n", "\\"] {
            #expect(ChatHistory.unescaped(ChatHistory.escaped(line)) == line)
            #expect(!ChatHistory.escaped(line).contains("\n"))
        }
    }
}
