import MartletAPI
import Testing

@testable import MartletServer

/// The transitions of a WebSocket, without a channel. Readers are numbers.
@Suite struct SocketStateMachineTests {
    typealias Machine = SocketStateMachine<Int>
    typealias State = Machine.State

    enum Event: String, CaseIterable {
        case text, ping, pong, clientClose, binary, unmasked, pingTime, attach, end, lose, read
    }

    struct Row: CustomTestStringConvertible {
        var state: State
        var event: Event
        var action: String
        var next: State
        var testDescription: String { "\(state) + \(event) = \(action), \(next)" }
    }

    /// Every state with every event: open, closing, closed.
    static let rows: [Row] = [
        (Event.text, "process", State.open, "none", "none"), (.ping, "pong", .open, "none", "none"),
        (.pong, "none", .open, "none", "none"), (.clientClose, "acceptClose 1000", .open, "disconnect", "disconnect"),
        (.binary, "end 1003", .open, "none", "none"), (.unmasked, "end 1002", .open, "none", "none"),
        (.pingTime, "ping", .open, "stop", "stop"), (.attach, "true", .open, "false", "false"),
        (.end, "detach 1", .closing, "none", "none"), (.lose, "detach 1", .closed, "detach 0", "detach 0"),
        (.read, "true", .open, "true", "true"),
    ].flatMap { event, open, next, closing, closed in
        [
            Row(state: .open, event: event, action: open, next: next),
            Row(state: .closing, event: event, action: closing, next: event == .lose ? .closed : .closing),
            Row(state: .closed, event: event, action: closed, next: .closed),
        ]
    }

    @Test func theTableHasEveryStateWithEveryEvent() {
        #expect(Set(Self.rows.map { "\($0.state) \($0.event)" }).count == State.allCases.count * Event.allCases.count)
    }

    @Test(arguments: rows) func anEventHasOneActionAndOneNextState(_ row: Row) {
        var machine = Machine(messageLimit: 100)
        #expect(machine.attach(1, to: "a") == true)
        if row.state == .closing { _ = machine.end() }
        if row.state == .closed { _ = machine.close() }
        #expect(Self.apply(row.event, to: &machine) == row.action)
        #expect(machine.state == row.next)
    }

    private static func apply(_ event: Event, to machine: inout Machine) -> String {
        switch event {
        case .text: return word(machine.receive(.init(opcode: 1, payload: Array("{}".utf8))))
        case .ping: return word(machine.receive(.init(opcode: 9, payload: [])))
        case .pong: return word(machine.receive(.init(opcode: 10, payload: [])))
        case .clientClose: return word(machine.receive(.init(opcode: 8, payload: [0x03, 0xE8])))
        case .binary: return word(machine.receive(.init(opcode: 2, payload: [])))
        case .unmasked:
            var frame = MessageAssembler.Frame(opcode: 1, payload: [])
            frame.isMasked = false
            return word(machine.receive(frame))
        case .pingTime: return "\(machine.pingDue())"
        case .attach: return "\(machine.attach(2, to: "b"))"
        case .end: return machine.end().map { "detach \($0.count)" } ?? "none"
        case .lose: return "detach \(machine.close().count)"
        case .read: return "\(machine.read(isWritable: true))"
        }
    }

    private static func word(_ action: Machine.FrameAction) -> String {
        switch action {
        case .none: "none"
        case .process: "process"
        case .pong: "pong"
        case .acceptClose(let code): "acceptClose \(code ?? 0)"
        case .end(let reason): "end \(reason.code)"
        case .disconnect: "disconnect"
        }
    }

    private static func text(_ text: String) -> MessageAssembler.Frame {
        MessageAssembler.Frame(opcode: 1, payload: Array(text.utf8))
    }

    @Test func messagesAreProcessedOneAtATime() {
        var machine = Machine(messageLimit: 100)
        #expect(machine.receive(Self.text("1")) == .process(Array("1".utf8)))
        #expect(machine.receive(Self.text("2")) == .none)
        #expect(machine.finishMessage() == Array("2".utf8))
        #expect(machine.finishMessage() == nil)
        #expect(machine.receive(Self.text("3")) == .process(Array("3".utf8)))
    }

    @Test func aFullQueueOrAClientThatDoesNotReceiveDefersReading() {
        var machine = Machine(messageLimit: 100)
        #expect(machine.read(isWritable: false) == false)
        #expect(machine.resumeReading(isWritable: false) == false)
        #expect(machine.resumeReading(isWritable: true) == true)
        for _ in 0..<Machine.queueLimit { _ = machine.receive(Self.text("x")) }
        #expect(machine.read(isWritable: true) == false)
        _ = machine.finishMessage()
        #expect(machine.resumeReading(isWritable: true) == true)
        #expect(machine.resumeReading(isWritable: true) == false)
    }

    @Test func messagesBehindTheOneInProcessAreDroppedAtTheEnd() {
        var machine = Machine(messageLimit: 100)
        for text in ["1", "2", "3"] { _ = machine.receive(Self.text(text)) }
        _ = machine.end()
        #expect(machine.finishMessage() == nil)
    }

    @Test func aClientThatSendsNothingBetweenTwoPingsIsDisconnected() {
        var machine = Machine(messageLimit: 100)
        #expect(machine.pingDue() == .ping)
        _ = machine.receive(.init(opcode: 10, payload: []))
        #expect(machine.pingDue() == .ping)
        #expect(machine.pingDue() == .disconnect)
    }

    @Test func aClientThatIsNotReadIsNotDisconnected() {
        var machine = Machine(messageLimit: 100)
        #expect(machine.read(isWritable: false) == false)
        for _ in 0..<3 { #expect(machine.pingDue() == .ping) }
    }

    @Test func eachReaderHasItsTurn() {
        var machine = Machine(messageLimit: 100)
        for number in 0..<3 { #expect(machine.attach(number, to: "\(number)") == true) }
        #expect(machine.readersInTurn() == [0, 1, 2])
        machine.advanceTurn(by: 2)
        #expect(machine.readersInTurn() == [2, 0, 1])
        #expect(machine.removeReader(of: "1") == 1)
        #expect(machine.removeReader(of: "1") == nil)
        #expect(machine.reader(of: "2") == 2)
        #expect(machine.readersInTurn() == [0, 2])
        machine.advanceTurn(by: 3)
        #expect(machine.readersInTurn() == [2, 0])
    }
}
