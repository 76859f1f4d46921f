import MartletProtocol

/// Sections of calls.
extension OutputParser {
    /// Longest text in which calls are looked for once more.
    private static var maximumReplay: Int { 4_096 }

    mutating func beginCalls(_ beginning: ToolCallParser.Beginning, _ emit: (OutputPiece) -> Void) {
        guard let callPlan = plan.calls, let tools, callCount < ToolCallParser.maximumCalls else {
            releaseAll(emit)
            return
        }
        calls = ToolCallParser(callPlan, tools: tools, beginning: beginning, raw: pending, nextCall: callCount)
        pending.removeAll(keepingCapacity: true)
        pendingSpace = 0
        state = .calls
        if case .messageHead = beginning, let step = calls?.endHead(.end, emit) { follow(step, emit) }
    }

    mutating func consumeCall(_ byte: UInt8, _ emit: (OutputPiece) -> Void) {
        guard let step = calls?.consume(byte, emit: emit) else { return }
        follow(step, emit)
    }

    /// The answer is complete.
    mutating func finishCalls(_ emit: (OutputPiece) -> Void) {
        guard let failure = calls?.finish(emit) else { return }
        fail(failure, emit)
    }

    private mutating func follow(_ step: ToolCallParser.Step, _ emit: (OutputPiece) -> Void) {
        switch step {
        case .more: return
        case .ended(let rest):
            endCalls()
            debris = .behindCall
            skip = .space
            for byte in rest { consume(byte, emit: emit) }
        case .failed(let failure): fail(failure, emit)
        }
    }

    /// A call that has been handed on ends thinking.
    private mutating func endCalls() {
        if let calls, calls.nextCall > callCount {
            callCount = calls.nextCall
            isReasoning = false
            isBeginning = false
        }
        calls = nil
        state = .text
    }

    /// What was read is no call, or the rest of one that is broken: it is text, but for the delimiters in it.
    private mutating func fail(_ failure: ToolCallParser.Failure, _ emit: (OutputPiece) -> Void) {
        endCalls()
        let opening = failure.text[..<failure.openingCount]
        let rest = failure.text[failure.openingCount...]
        if isReasoning {
            if !opening.isEmpty {
                recordText()
                emit(.text(channel, opening))
            }
        } else {
            debris = .brokenCall
            let space = opening.prefix { ArgumentTranscriber.isSpace($0) }
            if !space.isEmpty { emit(.text(isBeginning ? .delimiter : .content, space)) }
            if opening.count > space.count { emit(.text(.delimiter, opening[space.endIndex...])) }
            // Without an opening it would begin a call once more.
            if opening.isEmpty { isBeginning = false }
        }
        let outer = (isReplaying, readsCallsAgain)
        let warning = isReasoning || isReplaying ? nil : failure.warning
        isReplaying = true
        readsCallsAgain = outer.1 && rest.count <= Self.maximumReplay
        for byte in rest { consume(byte, emit: emit) }
        (isReplaying, readsCallsAgain) = outer
        if let warning { emit(.warning(warning)) }
    }
}
