import MartletJSON
import MartletTestSupport
import Testing

@testable import MartletCommands

/// Random lines, keys and events in every state of a chat: no message is lost, and each command is acknowledged.
@Suite struct ChatSessionPropertyTests {
    /// The server and the terminal of a session, as far as the rules need them.
    private struct World {
        var session = ChatSession(conversation: Conversation())
        var random: SeededGenerator
        /// Whether the connection of a response is open.
        var isStreaming = false
        /// The generation of the open connection; `nil` before its first event, and for servers without commands.
        var id: String?
        var hasBegun = false
        var lastNumber = 0
        /// The messages that were entered, each a text of its own.
        var entered: [String] = []
        /// The messages that came back to the input line.
        var filled: [String] = []
        /// Sent commands without a reply.
        var sent: [(control: ChatControl, id: String)] = []
        /// Messages of `/say` that the server has, in the order of their arrival there.
        var injectable: [String] = []
        var retained: [ChatControl] = []
        var forks: Set<String> = []
        /// Messages of `/say` that took effect in a fork. They are part of that version only.
        var inVersions: [String] = []
        var ended: Set<String> = []

        init(seed: Int) { random = SeededGenerator(seed: UInt64(seed)) }

        mutating func nextText() -> String {
            lastNumber += 1
            return "m\(lastNumber)."
        }

        /// Performs effects as the terminal does.
        mutating func perform(_ effects: [ChatSession.Effect]) {
            for effect in effects {
                switch effect {
                case .stream(let fork):
                    #expect(!isStreaming, "two responses at once")
                    (isStreaming, id, hasBegun) = (true, fork, fork != nil)
                    injectable = []
                    if let fork { #expect(forks.remove(fork) != nil, "\(fork) is followed once") }
                case .send(let control, let target):
                    #expect(target == id, "a command goes to the running generation")
                    sent.append((control, target))
                    if case .say(let text) = control { injectable.append(text) }
                case .stop(let ids): for id in ids where forks.remove(id) != nil { ended.insert(id) }
                case .fill(let text): filled += text.split(separator: "\n").map(String.init)
                default: break
                }
            }
        }

        mutating func end(_ failure: String?) {
            guard isStreaming else { return }
            isStreaming = false
            let retained = retained
            self.retained = []
            let effects = session.streamEnded(failure)
            let commands = retained.filter { if case .say = $0 { false } else { true } }
            if !commands.isEmpty, !wasStopped {
                let isSaid = effects.contains { effect in
                    guard case .show(.error(let text)) = effect else { return false }
                    return commands.allSatisfy { text.contains($0.name) } && text.contains("ended before")
                }
                #expect(isSaid, "\(commands) had no effect, and nothing says so: \(effects)")
            }
            wasStopped = false
            perform(effects)
        }

        /// Whether the chat has closed the connection: only its end still comes.
        var wasStopped = false
    }

    /// Enters a command and expects that it is sent, retained, or answered.
    private func command(_ line: String, _ control: ChatControl, _ world: inout World) {
        let effects = world.session.enter(line)
        let isSent = effects.contains { if case .send(control, to: _) = $0 { true } else { false } }
        let isAnswered = effects.contains { if case .show = $0 { true } else { false } }
        if world.isStreaming, !world.hasBegun {
            #expect(effects.isEmpty && world.session.status?.contains("commands wait") == true)
            world.retained.append(control)
        } else {
            #expect(isSent != isAnswered, "\(line): \(effects)")
        }
        world.perform(effects)
    }

    private func step(_ world: inout World) {
        switch Int.random(in: 0..<20, using: &world.random) {
        case 0..<4:
            let text = world.nextText()
            world.entered.append(text)
            world.perform(world.session.enter(text))
        case 4..<6:
            let text = world.nextText()
            world.entered.append(text)
            let wasIdle = !world.isStreaming
            let effects = world.session.enter("/say \(text)")
            if !wasIdle, !world.hasBegun { world.retained.append(.say(text)) }
            world.perform(effects)
        case 6: command("/pause", .pause, &world)
        case 7: command("/temp 0.5", .temperature(0.5), &world)
        case 8: command("/fork", .fork, &world)
        case 9:
            world.perform(world.session.escape())
            if world.isStreaming, !world.hasBegun { world.retained.append(.skip) }
        case 10 where world.isStreaming:
            world.perform(world.session.interrupt(lineWasEmpty: true))
            world.retained = []
            world.wasStopped = true
        case 11..<13 where world.isStreaming && !world.hasBegun && !world.wasStopped:
            world.hasBegun = true
            world.id = Int.random(in: 0..<5, using: &world.random) == 0 ? nil : "g\(world.nextText())"
            let effects = world.session.receive(.began(id: world.id))
            let answers = effects.filter { effect in
                switch effect {
                case .send, .show(.error): true
                default: false
                }
            }
            #expect(answers.count == world.retained.count, "each retained command is sent or refused")
            world.retained = []
            world.perform(effects)
        case 13..<15 where world.isStreaming && world.hasBegun && !world.wasStopped:
            world.perform(world.session.receive(.content("text ")))
        case 15 where !world.injectable.isEmpty && world.isStreaming && !world.wasStopped:
            let text = world.injectable.removeFirst()
            let effects = world.session.receive(.controlApplied(action: "inject"))
            #expect(effects == [.show(.message(text))] || effects.isEmpty, "\(effects)")
            if !effects.isEmpty, world.session.response?.isFork == true { world.inVersions.append(text) }
            world.perform(effects)
        case 16..<18 where !world.sent.isEmpty: reply(&world)
        case 18: world.end(nil)
        case 19: world.end(Bool.random(using: &world.random) ? "the connection was closed" : nil)
        default: break
        }
    }

    /// The reply to a sent command, which may come long after its generation has ended.
    private func reply(_ world: inout World) {
        let index = Int.random(in: 0..<world.sent.count, using: &world.random)
        let (control, id) = world.sent.remove(at: index)
        if Bool.random(using: &world.random), !isApplied(control, of: id, world) {
            if case .say(let text) = control, id == world.id { world.injectable.removeAll { $0 == text } }
            let effects = world.session.controlEnded(
                control, of: id, .failure(ChatClient.Failure(description: "refused")))
            if case .say = control {} else { #expect(effects == [.show(.error("\(control.name): refused"))]) }
            return world.perform(effects)
        }
        var body: JSONValue = [:]
        if control == .fork {
            let fork = "f\(world.nextText())"
            world.forks.insert(fork)
            body = ["ids": .array([.string(fork)])]
        }
        world.perform(world.session.controlEnded(control, of: id, .success(body)))
    }

    /// A message that took effect is not refused afterwards.
    private func isApplied(_ control: ChatControl, of id: String, _ world: World) -> Bool {
        guard case .say(let text) = control, id == world.id, world.isStreaming else { return false }
        return !world.injectable.contains(text)
    }

    @Test(arguments: 0..<300) func noMessageIsLostAndEachCommandIsAcknowledged(seed: Int) {
        var world = World(seed: seed)
        for _ in 0..<80 {
            step(&world)
            #expect((world.session.response != nil) == world.isStreaming)
            let running = world.session.response?.messages ?? world.session.conversation.messages
            let shown = running.filter { $0.role == "user" }.map(\.content)
            #expect(Set(shown).count == shown.count, "a message stands twice in the conversation: \(shown)")
            #expect(Set(shown).isSubset(of: Set(world.entered)))
        }
        // All responses end, and what was in the queue is sent and answered.
        var rounds = 0
        while world.isStreaming, rounds < 500 {
            rounds += 1
            if !world.hasBegun {
                world.hasBegun = true
                world.id = "g\(world.nextText())"
                world.retained = []
                world.perform(world.session.receive(.began(id: world.id)))
            }
            world.perform(world.session.receive(.content("text ")))
            world.end(nil)
        }
        #expect(!world.isStreaming, "the chat becomes idle")
        while !world.sent.isEmpty { reply(&world) }
        while world.isStreaming { world.end(nil) }
        let messages = world.session.conversation.messages.filter { $0.role == "user" }.map(\.content)
        #expect((messages + world.filled + world.inVersions).sorted() == world.entered.sorted(), "seed \(seed)")
        #expect(world.forks.isEmpty, "each fork is followed or stopped: \(world.forks)")
        #expect(world.session.status == nil)
    }

    // MARK: The faults that the rules found

    private func running(_ text: String = "hello") -> ChatSession {
        var session = ChatSession(conversation: Conversation())
        _ = session.enter(text)
        _ = session.receive(.began(id: "g1"))
        return session
    }

    @Test func aMessageAfterAnInterruptIsSentWhenTheResponseHasEnded() {
        var session = running()
        _ = session.receive(.content("x"))
        _ = session.interrupt(lineWasEmpty: true)
        #expect(session.enter("next") == [])
        #expect(session.streamEnded(nil).suffix(2) == [.show(.message("next")), .stream(fork: nil)])
    }

    @Test func aSayBeforeTheFirstEventComesBackOrIsSent() {
        var session = ChatSession(conversation: Conversation())
        _ = session.enter("hello")
        _ = session.enter("/say brief")
        #expect(session.interrupt(lineWasEmpty: true).last == .fill("brief"))
        session = ChatSession(conversation: Conversation())
        _ = session.enter("hello")
        _ = session.enter("/say brief")
        #expect(session.streamEnded("no server").contains(.fill("hello\nbrief")))
        #expect(session.conversation.messages.isEmpty && session.response == nil)
        session = ChatSession(conversation: Conversation())
        _ = session.enter("hello")
        _ = session.enter("/say brief")
        _ = session.receive(.began(id: nil))
        _ = session.receive(.content("Hi."))
        #expect(session.streamEnded(nil).last == .stream(fork: nil), "a server without commands gets it as a message")
    }

    @Test func aFailureReturnsAllMessagesThatWait() {
        var session = ChatSession(conversation: Conversation())
        _ = session.enter("one")
        _ = session.enter("two")
        #expect(session.streamEnded("no server").contains(.fill("one\ntwo")))
        #expect(session.response == nil && session.conversation.messages.isEmpty)
    }

    @Test func aMessageWithoutAReplyComesBack() {
        var session = running()
        #expect(session.streamEnded(nil).contains(.fill("hello")))
        session = running()
        _ = session.interrupt(lineWasEmpty: true)
        #expect(session.streamEnded("stopped").contains(.fill("hello")))
    }

    @Test func aRewindCountsTheContentBeforeAnInjectedMessage() {
        var session = running()
        _ = session.receive(.content("One. "))
        _ = session.enter("/say brief")
        _ = session.receive(.controlApplied(action: "inject"))
        _ = session.receive(.content("Two. Three."))
        // The server counts all content of the generation: 5 + 4 bytes remain.
        _ = session.receive(.controlApplied(action: "rewind", contentBytes: 9))
        #expect(session.response?.text == "Two.")
        _ = session.receive(.controlApplied(action: "rewind", contentBytes: 3))
        _ = session.streamEnded(nil)
        #expect(session.conversation.messages.map(\.content) == ["hello", "One"])
    }

    @Test func aVersionHasItsOwnMessages() {
        var session = running()
        _ = session.receive(.content("First."))
        _ = session.enter("/fork")
        _ = session.controlEnded(.fork, of: "g1", .success(["ids": ["g2"]]))
        _ = session.enter("/say brief")
        _ = session.receive(.controlApplied(action: "inject"))
        _ = session.receive(.content("Yes."))
        _ = session.streamEnded(nil)
        _ = session.receive(.content("Second"))
        _ = session.enter("/say more")
        _ = session.receive(.controlApplied(action: "inject"))
        _ = session.receive(.content("More."))
        _ = session.streamEnded(nil)
        #expect(session.conversation.messages.map(\.content) == ["hello", "First.", "brief", "Yes."])
        _ = session.enter("/keep 2")
        #expect(session.conversation.messages.map(\.content) == ["hello", "Second", "more", "More."])
    }

    @Test func aLateReplyChangesNoOtherResponse() {
        var session = running()
        _ = session.receive(.content("A"))
        _ = session.enter("/pause")
        _ = session.enter("/fork")
        _ = session.enter("second")
        _ = session.streamEnded(nil)
        _ = session.receive(.began(id: "g2"))
        _ = session.controlEnded(.pause, of: "g1", .success([:]))
        #expect(session.response?.isPaused == false)
        #expect(session.controlEnded(.fork, of: "g1", .success(["ids": ["f1"]])).last == .stop(["f1"]))
        // Without another response, a late fork is followed.
        session = running()
        _ = session.receive(.content("A"))
        _ = session.enter("/fork")
        _ = session.streamEnded(nil)
        #expect(session.controlEnded(.fork, of: "g1", .success(["ids": ["f1"]])).last == .stream(fork: "f1"))
    }
}
