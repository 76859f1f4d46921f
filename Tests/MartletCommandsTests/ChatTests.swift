import ArgumentParser
import MartletJSON
import Testing

@testable import MartletCommands

@Suite struct ChatTests {
    @Test(arguments: [
        ("hello there ", ChatInput.message("hello there")), ("//usr/bin", .message("/usr/bin")), ("   ", .nothing),
        ("/new", .new), ("/system Be  brief.", .system("Be  brief.")), ("/system", .system(nil)),
        ("/model", .model(nil)),
        ("/model tiny", .model("tiny")), ("/retry", .retry), ("/quit", .quit), ("/bye", .quit), ("/exit", .quit),
        ("/help", .help), ("/clear", .new), ("/xyzzy", .unknownCommand("/xyzzy", nearest: nil)),
        ("/set temperature 0.3", .control(.set("temperature", .number(0.3)))), ("/set", .settings),
        ("/set parameter num_predict 20", .control(.set("max_tokens", .integer(20)))),
        ("/set seed", .control(.set("seed", nil))),
        ("/set system Be brief.", .system("Be brief.")), ("/load notes", .load("notes")), ("/load", .load(nil)),
        ("/save a b", .save("a b")), ("/list", .list), ("/keep 2", .keep(2)),
        ("/keep x", .invalid("/keep needs the number of a version, such as /keep 2")),
        ("\"\"\"\none\n\n two \"\"\"", .message("one\n\n two")),
        ("/nwe", .unknownCommand("/nwe", nearest: "/new")), ("/skip", .control(.skip)), ("/pause", .control(.pause)),
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

    @Test func loadedModelsComeFirstAndFailedOnesLast() throws {
        func entry(_ name: String, _ phase: String?) -> JSONValue {
            ["id": .string(name), "status": phase.map { ["phase": .string($0)] } ?? .null, "context_length": 512]
        }
        let list: JSONValue = [
            "data": [
                entry("broken", "failed"), entry("cold", "unloaded"), entry("gone", "absent"), entry("warm", "ready"),
                entry("next", "loading"), entry("only", nil),
            ]
        ]
        let models = ServedModels.all(in: list)
        #expect(models.map(\.name) == ["warm", "only", "cold", "next", "broken", "gone"])
        #expect(models.allSatisfy { $0.contextLength == 512 })
        #expect(ServedModels.all(in: .null).isEmpty)
    }

    @Test func settingsOfOneQuestionFollowTheRulesOfTheChat() throws {
        let (name, value) = try ChatOptions.setting("num_predict=200")
        #expect(name == "max_tokens" && value == 200)
        #expect(try ChatOptions.setting("stop=a = b").value == "a = b")
        for wrong in ["max_tokens", "=1", "a b=1", "max_tokens=", "system=x"] {
            #expect(throws: ValidationError.self) { try ChatOptions.setting(wrong) }
        }
        let error = try #require(throws: ValidationError.self) { try ChatOptions.setting("stream=false") }
        #expect(error.description == "--set cannot change stream, which the chat itself sets")
    }

    @Test func theFormOfOneResponseNeedsAQuestion() throws {
        _ = try ChatCommand.parse(["-o", "json", "Hello"])
        _ = try ChatCommand.parse(["-o", "text"])
        #expect(throws: (any Error).self) { try ChatCommand.parse(["-o", "json"]) }
        #expect(throws: (any Error).self) { try RunCommand.parse(["fledgling", "-o", "json", " "]) }
        _ = try RunCommand.parse(["fledgling", "-o", "json", "Hello"])
    }

    @Test func aModelOfAServerIsFoundByNameAndByAlias() {
        let list: JSONValue = [
            "data": [["id": "qwen3-0.6b", "aliases": ["small", "gemma"]], ["id": "gemma", "aliases": []]]
        ]
        #expect(ServedModels.name(of: "small", in: list) == "qwen3-0.6b")
        #expect(ServedModels.name(of: "gemma", in: list) == "gemma")
        #expect(ServedModels.name(of: "Gemma", in: list) == nil)
        #expect(
            ServedModels.problem("qwen", in: list)
                == "the server has no model 'qwen'; did you mean 'qwen3-0.6b'?")
        #expect(
            ServedModels.problem("xyzzyx", in: list)
                == "the server has no model 'xyzzyx'; it has qwen3-0.6b, gemma")
        #expect(ServedModels.problem("a", in: .null) == "the server has no model 'a'; it lists none")
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
        let retried = conversation.retry()
        #expect(retried == "one?")
        #expect(conversation.messages == [Conversation.Message(role: "user", content: "one?")])
        let removed = conversation.removeUnansweredMessage()
        #expect(removed == "one?")
        let retriedNothing = conversation.retry()
        #expect(retriedNothing == nil)
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
        #expect(
            events(#"{"choices":[{"delta":{}}],"load_progress":{"status":"downloading","fraction":0.125}}"#)
                == [.loading("downloading 12 %")])
        #expect(events(#"{"load_progress":{"status":"loading"}}"#) == [.loading("loading")])
        #expect(events(#"{"load_progress":{"status":"other"}}"#).isEmpty)
        #expect(
            events(#"{"warnings":["\"x\": unknown field", 3]}"#) == [.warned([#""x": unknown field"#])])
        #expect(
            events(#"{"choices":[{"delta":{}}],"prompt_progress":{"total":10,"processed":4,"cache":0}}"#)
                == [.progress(PromptReading(total: 10, processed: 4))])
        #expect(
            events(
                #"{"choices":[{"delta":{},"finish_reason":"length"}],"timings":{"prompt_ms":500,"predicted_ms":1500,"#
                    + #""predicted_n":16,"predicted_per_second":10}}"#)
                == [
                    .finished(reason: "length"),
                    .ended(ResponseSpeed(tokens: 16, tokensPerSecond: 10, seconds: 2)),
                ])
    }

    @Test func linesAboutAResponseHaveItsFigures() {
        #expect(PromptReading(total: 200, processed: 80).text == "reading the prompt 40 %")
        #expect(PromptReading(total: 0, processed: 0).text == "reading the prompt 0 %")
        #expect(PromptReading(total: 9, processed: 0, queuePosition: 2).text == "waiting, 2 before you")
        #expect(
            ResponseSpeed(tokens: 128, tokensPerSecond: 42.13, seconds: 3.24).text == "128 tokens, 42.1 tokens/s, 3.2 s"
        )
        #expect(ResponseSpeed(tokens: 1, tokensPerSecond: 0, seconds: 0.04).text == "1 token, 0.0 s")
    }

    @Test func theQuestionComesBeforeTheInput() throws {
        #expect(OneShotChat.message(question: "Summarise", input: "a\nb\n") == "Summarise\n\na\nb\n")
        #expect(OneShotChat.message(question: "Hi", input: " \n") == "Hi")
        #expect(OneShotChat.message(question: "Hi", input: nil) == "Hi")
        let body = try JSONParser.parse(
            Array(
                #"{"model":"m","choices":[{"message":{"content":"{\"a\":1}"},"finish_reason":"length"}],"usage":{"a":2}}"#
                    .utf8))
        let (summary, reply) = OneShotChat.summary(of: body, hasSchema: true)
        #expect(reply == OneShotChat.Reply(text: #"{"a":1}"#, isCutOff: true))
        #expect(
            JSONValue.object(summary).text
                == #"{"model":"m","text":"{\"a\":1}","value":{"a":1},"finish_reason":"length","usage":{"a":2}}"#)
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
        var printer = OutputPrinter(showsReasoning: true, style: .styled)
        var output = printer.print(.reasoning("hm"))
        output += printer.print(.content("hi\u{1B}[2J"))
        output += printer.end()
        #expect(output == "\u{1B}[2mhm\n\u{1B}[0m\nhi[2J\n")
        var quiet = OutputPrinter(showsReasoning: false, style: .plain)
        #expect(quiet.print(.reasoning("hm")) + quiet.print(.content("hi\n")) + quiet.end() == "hi\n")
    }

    @Test func historyLinesSurviveTheirFile() {
        for line in ["plain", "two\nlines", "back\\slash", "\\n", "\\"] {
            #expect(ChatHistory.unescaped(ChatHistory.escaped(line)) == line)
            #expect(!ChatHistory.escaped(line).contains("\n"))
        }
    }
}
