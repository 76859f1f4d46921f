import MartletProtocol

/// Sections of tool calls within an output.
///
/// The output parser delegates each byte to a `ToolCallParser` while `state` is `calls`. The parser ends with a
/// `Step`: the section has ended, or its bytes are no call and are parsed again as text.
extension OutputParser {
    /// Most bytes in which calls are searched again after a failed call. It bounds the work: without it, n nested
    /// openings would cost n² bytes.
    private static var maximumReplay: Int { 4_096 }

    /// Starts a section with the pending bytes as its opening. Without tools, or beyond the limit of calls, the
    /// pending bytes are text.
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

    /// Passes a byte to the tool call parser and applies the step that results.
    mutating func consumeCall(_ byte: UInt8, _ emit: (OutputPiece) -> Void) {
        guard let step = calls?.consume(byte, emit: emit) else { return }
        follow(step, emit)
    }

    /// Ends an open section at the end of the output. Its certain part is emitted.
    ///
    /// The beginning of a call without a complete name is left out, with a warning: as text it would teach the model to
    /// write calls as text when a client sends it back. Without a delimiter, or in reasoning, it may be text, and stays.
    mutating func finishCalls(_ emit: (OutputPiece) -> Void) {
        guard let failure = calls?.finish(emit) else { return }
        guard failure.isCut, !isReasoning || callCount < calls?.nextCall ?? 0, !failure.text.isEmpty else {
            return fail(failure, emit)
        }
        endCalls()
        let space = failure.text[..<failure.openingCount].prefix { ArgumentTranscriber.isSpace($0) }
        if !space.isEmpty { emit(.text(isBeginning ? .delimiter : .content, space)) }
        emit(.text(.delimiter, failure.text[space.endIndex...]))
        emit(.warning("The output ends within the name of a call, so the call was left out"))
    }

    /// Applies the result of the tool call parser.
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

    /// Leaves the state `calls`. A call that was emitted ends reasoning; an attempt that failed does not.
    private mutating func endCalls() {
        if let calls, calls.nextCall > callCount {
            callCount = calls.nextCall
            isReasoning = false
            isBeginning = false
        }
        calls = nil
        state = .text
    }

    /// Parses the bytes of a failed call as text. Delimiters within them are removed.
    ///
    /// The opening of the call is a delimiter, not text, unless it stands in reasoning, where a model may quote it.
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
            // Without an opening the same byte would begin a bare call again, without end.
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
