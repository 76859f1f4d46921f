import MartletProtocol

/// Text and the delimiters in it.
///
/// The pending bytes are white space, then what may become a delimiter. Of delimiters that overlap, the one that begins
/// first counts; of those that begin together, the longest.
extension OutputParser {
    mutating func consumeText(_ byte: UInt8, _ emit: (OutputPiece) -> Void) {
        if skip != .nothing {
            let isSkipped = skip == .space ? ArgumentTranscriber.isSpace(byte) : byte == 0x0A || byte == 0x0D
            if isSkipped {
                emit(.text(delimiterChannel, [byte]))
                return
            }
            skip = .nothing
        }
        if isBeginning, !isReasoning, beginsBareCall(byte) {
            beginCalls(.bare, emit)
            consumeCall(byte, emit)
            return
        }
        let automaton = delimiters.automaton
        node = automaton.next(node, byte)
        if automaton.depth(node) == 0, candidate == nil {
            consumePlain(byte, emit)
            return
        }
        pending.append(byte)
        if let match = automaton.match(node) {
            let range = pending.count - automaton.length(of: match)..<pending.count
            if candidate.map({ range.lowerBound <= $0.range.lowerBound }) ?? true {
                candidate = Candidate(role: delimiters.roles[match], range: range)
            }
        }
        let start = pending.count - automaton.depth(node)
        releaseText(upTo: min(start, candidate?.range.lowerBound ?? start), emit)
        guard let candidate else { return }
        if !automaton.isExtendable(node) || pending.count - automaton.depth(node) > candidate.range.lowerBound {
            completeCandidate(emit)
        }
    }

    /// A byte that no delimiter can begin with.
    private mutating func consumePlain(_ byte: UInt8, _ emit: (OutputPiece) -> Void) {
        let isSpace = mayHoldDelimiterSpace && ArgumentTranscriber.isSpace(byte)
        if pending.count > pendingSpace || !isSpace { releaseAll(emit) }
        if isSpace {
            pending.append(byte)
            pendingSpace = pending.count
        } else {
            recordText()
            recordLast([byte])
            emit(.text(channel, [byte]))
        }
    }

    /// What stands in front of all that may be a delimiter is text.
    private mutating func releaseText(upTo count: Int, _ emit: (OutputPiece) -> Void) {
        guard count > pendingSpace else { return }
        recordText()
        release(count, emit)
    }

    private func beginsBareCall(_ byte: UInt8) -> Bool {
        guard let calls = plan.calls?.format, calls.startsBare, pending.count == pendingSpace else { return false }
        return byte == (calls.isList ? UInt8(ascii: "[") : UInt8(ascii: "{"))
    }

    mutating func recordText() {
        if isReasoning {
            isReasoningEmpty = false
        } else {
            isBeginning = false
            if debris == .behindCall { debris = .nothing }
        }
    }

    /// Thinking that is left in the content keeps its delimiters.
    var delimiterChannel: OutputChannel { showsReasoning ? .content : .delimiter }

    // MARK: Delimiters

    /// A delimiter is whole, and none that is longer can come of it.
    mutating func completeCandidate(_ emit: (OutputPiece) -> Void) {
        guard let candidate else { return }
        let rest = Array(pending[candidate.range.upperBound...])
        pending.removeLast(rest.count)
        releaseText(upTo: candidate.range.lowerBound, emit)
        self.candidate = nil
        node = DelimiterAutomaton.root
        complete(candidate.role, emit)
        for byte in rest { consume(byte, emit: emit) }
    }

    /// The pending bytes are white space and a delimiter.
    private mutating func complete(_ role: ChatFormatPlan.Role, _ emit: (OutputPiece) -> Void) {
        if isQuoted(role) {
            releaseAll(emit)
            return
        }
        switch role {
        case .reasoningStart: beginReasoning(emit)
        case .reasoningEnd: endReasoning(emit)
        case .contentStart:
            if !isBeginning, !isReasoning { releaseSpace(emit) }
            emitPending(as: .delimiter, emit)
            isReasoning = false
            isBeginning = false
        case .contentEnd, .ignored:
            if !isBeginning, role == .contentEnd { releaseSpace(emit) }
            emitPending(as: .delimiter, emit)
            skip = .space
        case .messageHead: beginHead()
        case .section, .call:
            guard readsCallsAgain else { return completeStray(emit) }
            beginCalls(role == .call ? .call : .section, emit)
        case .stray: completeStray(emit)
        case .inner: debris == .nothing ? releaseAll(emit) : completeStray(emit)
        }
    }

    /// A text about delimiters names them in code: `</think>`. A call may stand behind code.
    private func isQuoted(_ role: ChatFormatPlan.Role) -> Bool {
        guard pendingSpace == 0, !isReasoning, !isBeginning else { return false }
        let tick = UInt8(ascii: "`")
        // More of them are a fence.
        guard lastBytes.last == tick, lastBytes.first != tick || lastBytes.count == 1 else { return false }
        switch role {
        case .reasoningStart, .reasoningEnd, .stray, .inner: return true
        case .contentStart, .contentEnd, .ignored, .messageHead, .section, .call: return false
        }
    }

    private mutating func beginReasoning(_ emit: (OutputPiece) -> Void) {
        if isReasoning {
            // Models repeat what the prompt has begun. Further on it is thinking.
            guard isReasoningEmpty else { return releaseAll(emit) }
            emitPending(as: .delimiter, emit)
        } else {
            if !isBeginning { releaseSpace(emit) }
            emitPending(as: delimiterChannel, emit)
        }
        isReasoning = true
        isReasoningEmpty = true
        skip = .lineEnds
    }

    private mutating func endReasoning(_ emit: (OutputPiece) -> Void) {
        if isReasoning || isBeginning {
            // Where the answer begins it means that nothing was thought.
            emitPending(as: delimiterChannel, emit)
            isReasoning = false
            skip = .space
        } else if showsReasoning {
            releaseAll(emit)
        } else {
            completeStray(emit)
        }
    }

    /// A delimiter that has lost what it belongs to. Next to calls the white space around it is markup as well.
    private mutating func completeStray(_ emit: (OutputPiece) -> Void) {
        let isAlone = isBeginning || debris == .behindCall
        if !isAlone { releaseSpace(emit) }
        if debris == .brokenCall, let calls = plan.calls, pending[pendingSpace...].elementsEqual(calls.outerClosing) {
            debris = .behindCall
        }
        emitPending(as: .delimiter, emit)
        if isAlone { skip = .space }
    }

    // MARK: Held bytes

    private mutating func emitPending(as channel: OutputChannel, _ emit: (OutputPiece) -> Void) {
        emit(.text(channel, pending[...]))
        pending.removeAll(keepingCapacity: true)
        pendingSpace = 0
    }

    private mutating func releaseSpace(_ emit: (OutputPiece) -> Void) { release(pendingSpace, emit) }

    /// Hands on all that is pending, because it is text and no delimiter follows at once.
    mutating func releaseAll(_ emit: (OutputPiece) -> Void) {
        if pending.count > pendingSpace { recordText() }
        release(pending.count, emit)
    }

    /// Hands on the first `count` pending bytes as text.
    private mutating func release(_ count: Int, _ emit: (OutputPiece) -> Void) {
        if count == 0 { return }
        recordLast(pending[..<count])
        emit(.text(channel, pending[..<count]))
        dropPending(count)
    }

    mutating func recordLast(_ text: ArraySlice<UInt8>) {
        lastBytes = text.count > 1 ? Array(text.suffix(2)) : Array((lastBytes + text).suffix(2))
    }

    mutating func dropPending(_ count: Int) {
        pending.removeFirst(count)
        pendingSpace = max(0, pendingSpace - count)
        if let range = candidate?.range { candidate?.range = range.lowerBound - count..<range.upperBound - count }
    }
}
