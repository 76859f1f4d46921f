import MartletProtocol
import Testing

@testable import MartletEngine

/// Texts of control commands are tokenized by the input processor, in the order of the commands of a generation.
@Suite(.timeLimit(.minutes(15))) struct CommandPreparationTests {
    /// An injection of about `byteCount` bytes. One of 2 MiB takes 128 steps of the input processor.
    private static func injection(_ byteCount: Int) -> ControlAction {
        let line = "Once upon a time there was a small bird that sang every morning.\n"
        let text = String(repeating: line, count: max(1, byteCount / line.utf8.count))
        return .inject(Injection(content: .message(text), moment: .now, opensTurn: false))
    }

    private static func number(_ value: UInt64) -> CommandNumber { CommandNumber(rawValue: value) }

    private static func endlessEngine() -> RunningEngine {
        RunningEngine { $0.contextLength = RunningEngine.endless }
    }

    @Test func aLongInjectionDelaysNoStream() async {
        let running = Self.endlessEngine()
        defer { running.engine.shutdown() }
        let (handle, other) = (running.submitEndless(), running.submitEndless())
        await running.log.tokens(1, of: handle)
        await running.log.tokens(1, of: other)
        let steps = running.engine.activities[1].steps
        let before = [handle, other].map { running.log.completionSoFar($0).tokens.count }
        running.engine.control(handle, Self.number(1), Self.injection(2 << 20))
        let result = await running.log.result(Self.number(1), of: handle)
        let after = [handle, other].map { running.log.completionSoFar($0).tokens.count }
        guard case .refused(.contextFull(let tokens)) = result else {
            Issue.record("\(String(describing: result))")
            return
        }
        #expect(tokens > RunningEngine.endless)
        // The engine thread would have emitted at most a token or two while it tokenized.
        #expect(zip(before, after).allSatisfy { $1 - $0 >= 10 })
        #expect(running.engine.activities[1].steps - steps >= 100)
    }

    @Test func commandsBehindATextWaitForIt() async {
        let running = Self.endlessEngine()
        defer { running.engine.shutdown() }
        let handle = running.submitEndless()
        await running.log.tokens(1, of: handle)
        let actions = [Self.injection(1 << 20), .status, Self.injection(10), .pause, Self.injection(10), .resume]
        for (index, action) in actions.enumerated() {
            running.engine.control(handle, Self.number(UInt64(index)), action)
        }
        _ = await running.log.result(Self.number(5), of: handle)
        #expect(running.log.completionSoFar(handle).results.map(\.number) == [0, 1, 2, 3, 4, 5])
    }

    @Test func commandsOfOtherGenerationsDoNotWaitForAText() async {
        let running = Self.endlessEngine()
        defer { running.engine.shutdown() }
        let (handle, other) = (running.submitEndless(), running.submitEndless())
        await running.log.tokens(1, of: handle)
        await running.log.tokens(1, of: other)
        running.engine.control(handle, Self.number(1), Self.injection(4 << 20))
        running.engine.control(other, Self.number(2), Self.injection(10))
        let result = await running.log.result(Self.number(2), of: other)
        if case .applied(.injected, _) = result {} else { Issue.record("\(String(describing: result))") }
        #expect(running.log.completionSoFar(handle).results.isEmpty)
    }

    @Test func commandsBeforeTheSubmissionRetainTheirOrder() async {
        let running = Self.endlessEngine()
        defer { running.engine.shutdown() }
        let handle = running.submitEndless()
        let actions = [.pause, Self.injection(10), .status, .resume]
        for (index, action) in actions.enumerated() {
            running.engine.control(handle, Self.number(UInt64(index)), action)
        }
        _ = await running.log.result(Self.number(3), of: handle)
        #expect(running.log.completionSoFar(handle).results.map(\.number) == [0, 1, 2, 3])
    }

    @Test func anInvalidTextIsRefusedWhereTheCommandIsApplied() async {
        let running = Self.endlessEngine()
        defer { running.engine.shutdown() }
        let handle = running.submitEndless()
        await running.log.tokens(1, of: handle)
        let content = Prompt(pieces: [.tokens([Int32.max])], addsBeginning: false)
        running.engine.control(
            handle, Self.number(1), .inject(Injection(content: content, moment: .now, opensTurn: false)))
        let result = await running.log.result(Self.number(1), of: handle)
        guard case .refused(.invalid(let message)) = result else {
            Issue.record("\(String(describing: result))")
            return
        }
        #expect(message.contains("Token \(Int32.max) is not in the vocabulary"))
    }

    @Test func theTerminalEventIsTheReplyToATextThatAShutdownInterrupts() async {
        let running = Self.endlessEngine()
        let handle = running.submitEndless()
        await running.log.tokens(1, of: handle)
        running.engine.control(handle, Self.number(1), Self.injection(4 << 20))
        running.engine.control(handle, Self.number(2), .status)
        running.engine.shutdown()
        let completion = await running.log.completion(handle)
        #expect(completion.error?.code == .shuttingDown)
        #expect(completion.results.isEmpty)
    }
}
