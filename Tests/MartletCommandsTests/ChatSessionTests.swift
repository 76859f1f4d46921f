import MartletJSON
import OrderedCollections
import Testing

@testable import MartletCommands

/// The rules of a chat: which command is possible when, and what becomes of messages.
@Suite struct ChatSessionTests {
    private func session(_ messages: [(String, String)] = []) -> ChatSession {
        ChatSession(
            conversation: Conversation(messages: messages.map { Conversation.Message(role: $0.0, content: $0.1) }))
    }

    private func running() -> ChatSession {
        var session = session()
        _ = session.enter("hello")
        _ = session.receive(.began(id: "g1"))
        return session
    }

    private func texts(_ session: ChatSession) -> [String] { session.conversation.messages.map(\.content) }

    @Test func aMessageIsShownSentAndAnswered() {
        var session = session()
        #expect(session.enter("hello") == [.show(.message("hello")), .stream(fork: nil)])
        #expect(session.status == "waiting for the response")
        _ = session.receive(.began(id: "g1"))
        _ = session.receive(.progress(PromptReading(total: 10, processed: 4)))
        #expect(session.status == "reading the prompt 40 %")
        #expect(session.receive(.content("Hi.")) == [.show(.content("Hi."))])
        #expect(session.status == nil)
        _ = session.receive(.ended(ResponseSpeed(tokens: 2, tokensPerSecond: 10, seconds: 0.2)))
        #expect(
            session.streamEnded(nil) == [
                .show(.remark("2 tokens, 10.0 tokens/s, 0.2 s")), .show(.responseEnded), .persist,
            ])
        #expect(texts(session) == ["hello", "Hi."])
    }

    @Test func commandsWorkWhateverWasTypedBefore() {
        var session = running()
        _ = session.receive(.content("x"))
        #expect(session.enter("") == [])
        #expect(session.enter("  ") == [])
        #expect(session.enter("/pause") == [.send(.pause, to: "g1")])
        _ = session.controlEnded(.pause, of: "g1", .success([:]))
        #expect(session.status == "paused; /resume continues")
        #expect(session.enter("") == [])
        #expect(session.enter("/resume") == [.send(.resume, to: "g1")])
    }

    @Test func commandsBeforeTheFirstEventAreRetained() {
        var session = session()
        _ = session.enter("hello")
        #expect(session.enter("/temp 0.2") == [])
        #expect(session.escape() == [])
        #expect(session.status?.contains("commands wait") == true)
        #expect(session.receive(.began(id: "g1")) == [.send(.temperature(0.2), to: "g1"), .send(.skip, to: "g1")])
        #expect(session.status?.contains("commands wait") == false)
    }

    @Test func aServerWithoutControlCommandsSaysSo() {
        var session = session()
        _ = session.enter("hello")
        _ = session.enter("/pause")
        #expect(session.receive(.began(id: nil)) == [.show(.error("this server has no control commands"))])
    }

    @Test func onlyASecondInterruptLeaves() {
        var session = session()
        #expect(session.interrupt(lineWasEmpty: false) == [])
        #expect(session.interrupt(lineWasEmpty: true).count == 1)
        session.noteKey()
        guard case .show(.remark(let words))? = session.interrupt(lineWasEmpty: true).first else {
            Issue.record("no remark")
            return
        }
        #expect(words.contains("/quit"))
        #expect(session.interrupt(lineWasEmpty: true) == [.quit])
    }

    @Test func anInterruptStopsTheResponseAndKeepsItsText() {
        var session = running()
        _ = session.receive(.content("Once"))
        _ = session.enter("next message")
        #expect(
            session.interrupt(lineWasEmpty: true) == [.cancel, .stop(["g1"]), .fill("next message")])
        let effects = session.streamEnded("stopped")
        #expect(effects.first == .show(.remark("stopped")))
        #expect(texts(session) == ["hello", "Once"])
        #expect(session.response == nil)
    }

    @Test func messagesDuringAResponseAreSentAfterIt() {
        var session = running()
        #expect(session.enter("second") == [])
        #expect(session.enter("third") == [])
        #expect(session.status?.contains("2 messages wait") == true)
        _ = session.receive(.content("A"))
        #expect(session.streamEnded(nil).suffix(2) == [.show(.message("second")), .stream(fork: nil)])
        #expect(texts(session) == ["hello", "A", "second"])
        _ = session.receive(.content("B"))
        #expect(session.streamEnded(nil).suffix(2) == [.show(.message("third")), .stream(fork: nil)])
    }

    @Test func aLateSayBecomesTheNextMessage() {
        // The stream ends before the message takes effect.
        var session = running()
        _ = session.receive(.content("A"))
        #expect(session.enter("/say brief") == [.send(.say("brief"), to: "g1")])
        #expect(session.streamEnded(nil).suffix(2) == [.show(.message("brief")), .stream(fork: nil)])
        #expect(session.controlEnded(.say("brief"), of: "g1", .failure(ChatClient.Failure(description: "ended"))) == [])
        #expect(texts(session) == ["hello", "A", "brief"])
        // The server refuses it first.
        session = running()
        _ = session.receive(.content("A"))
        _ = session.enter("/say brief")
        _ = session.controlEnded(.say("brief"), of: "g1", .failure(ChatClient.Failure(description: "ended")))
        #expect(session.streamEnded(nil).last == .stream(fork: nil))
        #expect(texts(session) == ["hello", "A", "brief"])
        // Between responses it is a message.
        session = self.session()
        #expect(session.enter("/say hi") == [.show(.message("hi")), .stream(fork: nil)])
    }

    @Test func injectedMessagesAndRewindsAppearInTheConversation() {
        var session = running()
        _ = session.receive(.content("One. Two"))
        #expect(
            session.receive(.controlApplied(action: "rewind", contentBytes: 4))
                == [.show(.remark("back")), .show(.content("One."))])
        _ = session.enter("/say brief")
        #expect(session.receive(.controlApplied(action: "inject")) == [.show(.message("brief"))])
        _ = session.receive(.content("Yes."))
        _ = session.streamEnded(nil)
        #expect(texts(session) == ["hello", "One.", "brief", "Yes."])
    }

    @Test func settingsRewindAndRetryWorkBetweenResponses() {
        var session = session([("user", "a?"), ("assistant", "One. Two. One. Three.")])
        #expect(session.enter("/temp 0.2") == [.show(.line("temperature = 0.2"))])
        _ = session.enter("/set max_tokens 5")
        #expect(session.conversation.settings == ["temperature": .number(0.2), "max_tokens": .integer(5)])
        #expect(session.enter("/set") == [.show(.line("temperature = 0.2\nmax_tokens = 5"))])
        _ = session.enter("/set max_tokens")
        #expect(session.conversation.settings.count == 1)
        #expect(session.enter("/rewind One.").last == .persist)
        #expect(texts(session) == ["a?", "One. Two. "])
        #expect(session.enter("/rewind nothing") == [.show(.error("the last response does not contain nothing"))])
        #expect(session.enter("/retry") == [.show(.message("a?")), .stream(fork: nil)])
        #expect(session.enter("/retry").count == 1 && session.enter("/model x").count == 1)
        _ = session.receive(.began(id: "g"))
        _ = session.receive(.content("B"))
        _ = session.streamEnded(nil)
        _ = session.enter("/rewind")
        #expect(texts(session) == [])
        #expect(session.enter("/retry") == [.show(.error("/retry needs a message"))])
        #expect(session.enter("/pause") == [.show(.error("there is no running response"))])
    }

    @Test func aFailedRequestGivesTheMessageBack() {
        var session = session()
        _ = session.enter("hello")
        #expect(
            session.streamEnded("no server") == [
                .show(.error("no server")), .show(.responseEnded), .fill("hello"), .persist,
            ])
        #expect(texts(session) == [])
    }

    @Test func eachVersionOfAForkedResponseCanGoOn() {
        var session = running()
        _ = session.receive(.content("First."))
        _ = session.enter("/fork")
        _ = session.controlEnded(.fork, of: "g1", .success(["ids": ["g2"]]))
        #expect(session.streamEnded(nil).suffix(2) == [.show(.remark("version 2")), .stream(fork: "g2")])
        _ = session.receive(.content("Second."))
        _ = session.streamEnded(nil)
        #expect(texts(session) == ["hello", "First."])
        #expect(session.enter("/keep 3") == [.show(.error("/keep must be from 1 to 2, not 3"))])
        #expect(session.enter("/keep 2").last == .persist)
        #expect(texts(session) == ["hello", "Second."])
        _ = session.enter("/keep 1")
        #expect(texts(session) == ["hello", "First."])
        _ = session.enter("next")
        _ = session.streamEnded(nil)
        #expect(session.enter("/keep 1") == [.show(.error("/keep needs a forked response"))])
    }

    @Test func unknownCommandsNameTheNearest() {
        var session = session()
        #expect(session.enter("/modle") == [.show(.error("unknown command /modle; did you mean /model?"))])
        #expect(session.enter("/res") == [.show(.error("unknown command /res; did you mean /resume?"))])
        #expect(session.enter("/xyzzy") == [.show(.error("unknown command /xyzzy; /help lists all"))])
    }

    @Test func aSettingWithoutEffectIsNamedOnce() {
        var session = session()
        _ = session.enter("/set nonsense 3")
        let warning = ChatStreamEvent.warned(["\"nonsense\": unknown field"])
        for message in ["one", "two"] {
            _ = session.enter(message)
            _ = session.receive(.began(id: "a"))
            _ = session.receive(.content("yes"))
            #expect(session.receive(warning).isEmpty)
            let effects = session.streamEnded(nil)
            let isNamed = effects.contains(.show(.remark("warning: \"nonsense\": unknown field")))
            #expect(isNamed == (message == "one"))
        }
    }

    @Test func aStoredConversationContinues() {
        var session = session()
        _ = session.enter("/set seed 1")
        let stored = Conversation(
            model: "m",
            messages: [.init(role: "user", content: "a"), .init(role: "assistant", content: "b")])
        #expect(
            session.adopt(stored) == [
                .show(.earlier("a", isMessage: true)), .show(.earlier("b", isMessage: false)),
            ])
        #expect(session.conversation.model == "m" && session.conversation.settings["seed"] == .integer(1))
        #expect(session.adopt(Conversation()).isEmpty)
    }

    @Test func theLastTurnsOfALongConversationAreShownWithTheNumberOfTheOthers() {
        var session = session()
        let long = (1...20).map { "line \($0)" }.joined(separator: "\n")
        var stored = Conversation()
        for turn in 1...5 {
            stored.appendUser("question \(turn)")
            stored.appendAssistant(turn > 3 ? long : "answer \(turn)")
        }
        let shortened = (1...6).map { "line \($0)" }.joined(separator: "\n") + "\n… 14 more lines"
        #expect(
            session.adopt(stored) == [
                .show(.remark("2 earlier turns")),
                .show(.earlier("question 3", isMessage: true)), .show(.earlier("answer 3", isMessage: false)),
                .show(.earlier("question 4", isMessage: true)), .show(.earlier(shortened, isMessage: false)),
                .show(.earlier("question 5", isMessage: true)), .show(.earlier(long, isMessage: false)),
            ])
        // A paragraph has one line of any length.
        let paragraph = String(repeating: "word ", count: 200)
        let list = Conversation(messages: [
            .init(role: "user", content: paragraph), .init(role: "assistant", content: "b"),
            .init(role: "user", content: "c"),
        ])
        #expect(session.adopt(list).first == .show(.earlier(paragraph.prefix(400) + "…", isMessage: true)))
    }
}
