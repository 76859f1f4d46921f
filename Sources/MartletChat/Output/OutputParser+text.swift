import MartletProtocol

/// Text, and the delimiters in it.
///
/// The pending bytes are white space, then a possible delimiter. Of overlapping delimiters the one that begins first
/// is recognised; of delimiters that begin at the same byte, the longest.
///
/// Example with the delimiters `<think>` and `<tool_call>`: after `ab <t` the text `ab` has been emitted, the space
/// and `<t` are pending. The next byte `x` makes both text; `o` continues `<tool_call>`.
extension OutputParser {
    /// Consumes a byte in the state `text`.
    ///
    /// Three cases, in this order: white space that a delimiter has asked to skip, the first byte of a bare call, and
    /// text or delimiter.
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
        // Between two delimiters only, as `node` is a state of the automaton in use.
        if holdsValue, !isBeginning, !isReasoning, pending.isEmpty { isInValue = true }
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

    /// Consumes a byte that no delimiter contains at this position. White space stays pending, because the next
    /// delimiter may own it.
    private mutating func consumePlain(_ byte: UInt8, _ emit: (OutputPiece) -> Void) {
        let isSpace = delimitersOwnSpace && ArgumentTranscriber.isSpace(byte)
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

    /// Emits the pending bytes in front of `count` as text, as no delimiter can begin there any more.
    private mutating func releaseText(upTo count: Int, _ emit: (OutputPiece) -> Void) {
        guard count > pendingSpace else { return }
        recordText()
        release(count, emit)
    }

    /// Whether `byte` begins a call that has no opening delimiter: `{` for Llama, `[` for lists.
    private func beginsBareCall(_ byte: UInt8) -> Bool {
        guard let calls = plan.calls?.format, calls.startsBare, pending.count == pendingSpace else { return false }
        return byte == (calls.isList ? UInt8(ascii: "[") : UInt8(ascii: "{"))
    }

    /// Records that text was emitted: the output is no longer at its beginning, and reasoning is no longer empty.
    mutating func recordText() {
        if isReasoning {
            isReasoningEmpty = false
        } else {
            isBeginning = false
            if debris == .behindCall { debris = .nothing }
        }
    }

    /// The channel of reasoning delimiters: with `showsReasoning` they are content, as the reasoning is.
    var delimiterChannel: OutputChannel { showsReasoning ? .content : .delimiter }

    // MARK: Delimiters

    /// Accepts the candidate: no longer delimiter can follow from the pending bytes. Bytes behind it are consumed
    /// again.
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

    /// Applies a delimiter. The pending bytes are white space and this delimiter, nothing else.
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

    /// Whether the delimiter is quoted. Text about delimiters names them in code, as in `</think>`. Calls are not
    /// quoted, as a call may follow code.
    private func isQuoted(_ role: ChatFormatPlan.Role) -> Bool {
        guard pendingSpace == 0, !isReasoning, !isBeginning else { return false }
        let tick = UInt8(ascii: "`")
        // Several backticks are a fence, behind which a delimiter is real.
        guard lastBytes.last == tick, lastBytes.first != tick || lastBytes.count == 1 else { return false }
        switch role {
        case .reasoningStart, .reasoningEnd, .stray, .inner: return true
        case .contentStart, .contentEnd, .ignored, .messageHead, .section, .call: return false
        }
    }

    /// Begins reasoning.
    private mutating func beginReasoning(_ emit: (OutputPiece) -> Void) {
        if isReasoning {
            // Some models repeat the opening that the prompt has written. Further into the reasoning it is text.
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

    /// Ends reasoning.
    private mutating func endReasoning(_ emit: (OutputPiece) -> Void) {
        if isReasoning || isBeginning {
            // At the beginning of an output an end delimiter alone means that the reasoning is empty.
            emitPending(as: delimiterChannel, emit)
            isReasoning = false
            skip = .space
        } else if showsReasoning {
            releaseAll(emit)
        } else {
            completeStray(emit)
        }
    }

    /// Removes a delimiter whose counterpart is missing. Next to calls the white space around it is part of the
    /// delimiter.
    private mutating func completeStray(_ emit: (OutputPiece) -> Void) {
        let isAlone = isBeginning || debris == .behindCall
        if !isAlone { releaseSpace(emit) }
        if debris == .brokenCall, let calls = plan.calls, pending[pendingSpace...].elementsEqual(calls.outerClosing) {
            debris = .behindCall
        }
        emitPending(as: .delimiter, emit)
        if isAlone { skip = .space }
    }

    // MARK: Pending bytes

    /// Emits all pending bytes on one channel.
    private mutating func emitPending(as channel: OutputChannel, _ emit: (OutputPiece) -> Void) {
        emit(.text(channel, pending[...]))
        pending.removeAll(keepingCapacity: true)
        pendingSpace = 0
    }

    /// Emits the pending white space as text.
    private mutating func releaseSpace(_ emit: (OutputPiece) -> Void) { release(pendingSpace, emit) }

    /// Emits all pending bytes as text: no delimiter follows from them.
    mutating func releaseAll(_ emit: (OutputPiece) -> Void) {
        if pending.count > pendingSpace { recordText() }
        release(pending.count, emit)
    }

    /// Emits the first `count` pending bytes as text.
    private mutating func release(_ count: Int, _ emit: (OutputPiece) -> Void) {
        if count == 0 { return }
        recordLast(pending[..<count])
        emit(.text(channel, pending[..<count]))
        dropPending(count)
    }

    /// Remembers the last two bytes of text; `isQuoted` looks for a backtick there.
    mutating func recordLast(_ text: ArraySlice<UInt8>) {
        lastBytes = text.count > 1 ? Array(text.suffix(2)) : Array((lastBytes + text).suffix(2))
    }

    /// Removes the first `count` pending bytes and moves the candidate's range.
    mutating func dropPending(_ count: Int) {
        pending.removeFirst(count)
        pendingSpace = max(0, pendingSpace - count)
        if let range = candidate?.range { candidate?.range = range.lowerBound - count..<range.upperBound - count }
    }
}
