import Testing

@testable import MartletServer

/// Every state (column) with every event (row): the action and the next state; "+" = the same state.
private let connectionTable = """
    event       idle           receiving       responding    holdingEnd     remainder      closing     upgraded
    head        head:receiving head:receiving  queued:+      queued:+       head:receiving dropped:+   dropped:+
    body        body:+         body:+          queued:+      queued:+       body:+         dropped:+   dropped:+
    end         end:+          end:responding  queued:+      queued:+       end:idle       dropped:+   dropped:+
    error       refuse:closing forward:+       queued:+      queued:+       refuse:closing dropped:+   dropped:+
    timeout     close:+        fail:+          fail:+        fail:+         close:+        close:+     close:+
    read        read:+         read:+          read:+        read:+         read:+         read:+      read:+
    headWritten persists:+     last:+          persists:+    persists:+     persists:+     persists:+  persists:+
    responseEnd write:+        write:remainder write:idle    hold:+         write:+        writeLast:+ writeLast:closing
    readerEnds  none:+         none:+          none:+        write:idle     none:+         none:+      none:+
    closeOutput close:+        close:+         close:+       hold:+         close:+        succeed:+   close:+
    disconnect  release:+      release:+       release:+     cut:responding release:+      release:+   release:+
    switching   false:+        false:+         true:upgraded true:upgraded  false:+        false:+     false:+
    proceed     false:+        true:+          true:+        true:+         false:+        false:+     false:+
    """

/// The transitions of a connection, without a channel: each row is a state, an event, the action and the next state.
@Suite struct ConnectionStateMachineTests {
    typealias Machine = ConnectionStateMachine<String>
    typealias Phase = Machine.Phase

    /// The events of a connection.
    enum Event: String, CaseIterable {
        case head, body, end, error, timeout, read, headWritten, responseEnd, readerEnds, closeOutput, disconnect,
            switching, proceed
    }

    struct Row: CustomTestStringConvertible {
        var phase: Phase
        var event: Event
        var action: String
        var next: Phase
        var testDescription: String { "\(phase) + \(event) = \(action), \(next)" }
    }

    static let rows: [Row] = {
        let lines = connectionTable.split(separator: "\n").map { $0.split(separator: " ") }
        let phases = lines[0].dropFirst().compactMap { Phase(rawValue: String($0)) }
        return lines.dropFirst().flatMap { line in
            zip(phases, line.dropFirst()).compactMap { phase, cell in
                let parts = cell.split(separator: ":")
                guard let event = Event(rawValue: String(line[0])) else { return nil }
                return Row(
                    phase: phase, event: event, action: String(parts[0]),
                    next: Phase(rawValue: String(parts[1])) ?? phase)
            }
        }
    }()

    @Test func theTableHasEveryStateWithEveryEvent() {
        #expect(Self.rows.count == Phase.allCases.count * Event.allCases.count)
        #expect(Set(Self.rows.map { "\($0.phase) \($0.event)" }).count == Self.rows.count)
    }

    @Test(arguments: rows) func anEventHasOneActionAndOneNextState(_ row: Row) {
        var machine = Self.machine(in: row.phase)
        #expect(machine.phase == row.phase)
        #expect(Self.apply(row.event, to: &machine) == row.action)
        #expect(machine.phase == row.next)
    }

    /// A machine that has reached `phase` by events. Its client awaits `100 Continue`.
    private static func machine(in phase: Phase, _ request: Machine.Request = .init(awaitsContinue: true)) -> Machine {
        var machine = Machine()
        if phase == .idle { return machine }
        machine.beginRequest(request)
        switch phase {
        case .idle, .receiving: break
        case .responding: machine.endRequest()
        case .holdingEnd:
            machine.endRequest()
            _ = machine.attachReader()
            _ = machine.endResponse()
        case .remainder: _ = machine.endResponse()
        case .closing:
            _ = machine.beginResponse(closes: true)
            _ = machine.endResponse()
        case .upgraded:
            machine.endRequest()
            _ = machine.switchProtocols()
        }
        return machine
    }

    /// - Returns: the machine's action, in a word.
    private static func apply(_ event: Event, to machine: inout Machine) -> String {
        switch event {
        case .head, .body, .end, .error:
            guard let input = machine.receive(event.rawValue) else {
                // A dropped input is never processed; a queued one is processed after the response.
                return machine.isClosing || machine.phase == .upgraded ? "dropped" : "queued"
            }
            if event == .error { return "\(machine.fail())" }
            if event == .head { machine.beginRequest(.init()) }
            if event == .end { machine.endRequest() }
            return input
        case .timeout: return "\(machine.timeOut())"
        case .read: return machine.read() ? "read" : "deferred"
        case .headWritten: return machine.beginResponse(closes: false) ? "last" : "persists"
        case .responseEnd: return "\(machine.endResponse())"
        case .readerEnds:
            return if case .writeEnd(let action, false) = machine.readerEnded() { "\(action)" } else { "none" }
        case .closeOutput: return "\(machine.closeOutput())"
        case .disconnect: return "\(machine.disconnect())"
        case .switching: return "\(machine.switchProtocols())"
        case .proceed: return "\(machine.continueRequest())"
        }
    }

    // MARK: Sequences of events

    @Test func queuedInputsAreProcessedUpToTheEndOfTheNextRequest() {
        var machine = Self.machine(in: .responding)
        for input in ["head", "end", "head 2"] { #expect(machine.receive(input) == nil) }
        #expect(machine.nextQueued() == nil)
        #expect(machine.endResponse() == .write)
        #expect(machine.nextQueued() == "head")
        machine.beginRequest(.init())
        #expect(machine.nextQueued() == "end")
        machine.endRequest()
        #expect(machine.nextQueued() == nil)
        #expect(machine.endResponse() == .write)
        #expect(machine.nextQueued() == "head 2")
    }

    @Test func aReadIsDeferredWhileInputsAreQueued() {
        var machine = Self.machine(in: .responding)
        _ = machine.receive("head")
        #expect(machine.read() == false)
        #expect(machine.resumeReading() == false)
        _ = machine.endResponse()
        _ = machine.nextQueued()
        #expect(machine.resumeReading() == true)
        #expect(machine.resumeReading() == false)
    }

    @Test(arguments: [true, false]) func bytesAfterAnUpgradeRequestAreReadOnlyAfterTheResponse(_ isAccepted: Bool) {
        var machine = Self.machine(in: .receiving, .init(asksForUpgrade: true))
        #expect(machine.read() == true)
        machine.endRequest()
        #expect(machine.read() == false)
        #expect(machine.beginResponse(closes: false) == true)
        if isAccepted {
            #expect(machine.switchProtocols() == true)
        } else {
            #expect(machine.endResponse() == .writeLast)
        }
        #expect(machine.resumeReading() == true)
    }

    @Test(arguments: [
        Machine.Request(isTooLong: true), Machine.Request(awaitsContinue: true), Machine.Request(closes: true),
    ])
    func aResponseBeforeSuchABodyIsTheLast(_ request: Machine.Request) {
        var machine = Self.machine(in: .receiving, request)
        #expect(machine.beginResponse(closes: false) == true)
        #expect(machine.endResponse() == .writeLast)
        #expect(machine.phase == .closing)
    }

    @Test func aClientThatGotContinueHasAnOrdinaryConnection() {
        var machine = Self.machine(in: .receiving)
        #expect(machine.continueRequest() == true)
        #expect(machine.continueRequest() == false)
        machine.endRequest()
        #expect(machine.beginResponse(closes: false) == false)
        #expect(machine.endResponse() == .write)
    }

    @Test(arguments: [Event.error, .timeout]) func aFailedRequestHasTheLastResponse(_ event: Event) {
        var machine = Self.machine(in: .receiving, .init())
        _ = Self.apply(event, to: &machine)
        #expect(machine.beginResponse(closes: false) == true)
        #expect(machine.endResponse() == .writeLast)
    }

    @Test func aCloseThatComesBeforeTheReaderEndsFollowsTheEnd() {
        var machine = Self.machine(in: .holdingEnd)
        #expect(machine.closeOutput() == .hold)
        #expect(machine.readerEnded() == .writeEnd(.write, closesOutput: true))
        #expect(machine.closeOutput() == .close)
    }

    @Test func theLastResponseClosesAfterItsReader() {
        var machine = Self.machine(in: .receiving, .init(closes: true))
        machine.endRequest()
        _ = machine.attachReader()
        #expect(machine.endResponse() == .hold)
        #expect(machine.readerEnded() == .writeEnd(.writeLast, closesOutput: false))
        #expect(machine.closeOutput() == .succeed)
    }

    @Test func aDisconnectIsReportedOnceAndRefusesReaders() {
        var machine = Self.machine(in: .responding)
        _ = machine.receive("head")
        #expect(machine.disconnect() == .release)
        #expect(machine.disconnect() == .none)
        #expect(machine.isDisconnected == true)
        #expect(machine.attachReader() == false)
        #expect(machine.endResponse() == .write)
        #expect(machine.nextQueued() == nil)
    }
}
