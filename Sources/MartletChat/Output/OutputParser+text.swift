import MartletProtocol

/// Text and the markers in it.
///
/// The held bytes are white space, then what may become a marker. Of markers that overlap, the one that begins first
/// counts; of those that begin together, the longest.
extension OutputParser {
    mutating func takeText(_ byte: UInt8, _ emit: (OutputPiece) -> Void) {
        if skip != .nothing {
            let isSkipped = skip == .space ? ArgumentTranscriber.isSpace(byte) : byte == 0x0A || byte == 0x0D
            if isSkipped {
                emit(.text(markup, [byte]))
                return
            }
            skip = .nothing
        }
        if isBeginning, !isReasoning, beginsBareCall(byte) {
            beginCalls(.bare, emit)
            takeCall(byte, emit)
            return
        }
        let automaton = markers.automaton
        node = automaton.next(node, byte)
        if automaton.depth(node) == 0, candidate == nil {
            takePlain(byte, emit)
            return
        }
        held.append(byte)
        if let match = automaton.match(node) {
            let range = held.count - automaton.length(of: match)..<held.count
            if candidate.map({ range.lowerBound <= $0.range.lowerBound }) ?? true {
                candidate = Candidate(role: markers.roles[match], range: range)
            }
        }
        let start = held.count - automaton.depth(node)
        releaseText(upTo: min(start, candidate?.range.lowerBound ?? start), emit)
        guard let candidate else { return }
        if !automaton.isExtendable(node) || held.count - automaton.depth(node) > candidate.range.lowerBound {
            completeCandidate(emit)
        }
    }

    /// A byte that no marker can begin with.
    private mutating func takePlain(_ byte: UInt8, _ emit: (OutputPiece) -> Void) {
        let isSpace = holdsSpace && ArgumentTranscriber.isSpace(byte)
        if held.count > heldSpace || !isSpace { releaseAll(emit) }
        if isSpace {
            held.append(byte)
            heldSpace = held.count
        } else {
            noteText()
            noteLast([byte])
            emit(.text(channel, [byte]))
        }
    }

    /// What stands in front of all that may be a marker is text.
    private mutating func releaseText(upTo count: Int, _ emit: (OutputPiece) -> Void) {
        guard count > heldSpace else { return }
        noteText()
        release(count, emit)
    }

    private func beginsBareCall(_ byte: UInt8) -> Bool {
        guard let calls = plan.calls?.syntax, calls.startsBare, held.count == heldSpace else { return false }
        return byte == (calls.isList ? UInt8(ascii: "[") : UInt8(ascii: "{"))
    }

    mutating func noteText() {
        if isReasoning {
            isThoughtEmpty = false
        } else {
            isBeginning = false
            if debris == .behindCall { debris = .nothing }
        }
    }

    /// Thinking that is left in the content keeps its markers.
    var markup: Channel { showsReasoning ? .content : .markup }

    // MARK: Markers

    /// A marker is whole, and none that is longer can come of it.
    mutating func completeCandidate(_ emit: (OutputPiece) -> Void) {
        guard let candidate else { return }
        let rest = Array(held[candidate.range.upperBound...])
        held.removeLast(rest.count)
        releaseText(upTo: candidate.range.lowerBound, emit)
        self.candidate = nil
        node = MarkerAutomaton.root
        complete(candidate.role, emit)
        for byte in rest { take(byte, emit: emit) }
    }

    /// The held bytes are white space and a marker.
    private mutating func complete(_ role: SyntaxPlan.Role, _ emit: (OutputPiece) -> Void) {
        if isQuoted(role) {
            releaseAll(emit)
            return
        }
        switch role {
        case .reasoningStart: beginReasoning(emit)
        case .reasoningEnd: endReasoning(emit)
        case .contentStart:
            if !isBeginning, !isReasoning { releaseSpace(emit) }
            emitHeld(as: .markup, emit)
            isReasoning = false
            isBeginning = false
        case .contentEnd, .ignored:
            if !isBeginning, role == .contentEnd { releaseSpace(emit) }
            emitHeld(as: .markup, emit)
            skip = .space
        case .messageHead: beginHead()
        case .section, .call:
            guard readsCallsAgain else { return completeStray(emit) }
            beginCalls(role == .call ? .call : .section, emit)
        case .stray: completeStray(emit)
        case .inner: debris == .nothing ? releaseAll(emit) : completeStray(emit)
        }
    }

    /// A text about markers names them in code: `</think>`. A call may stand behind code.
    private func isQuoted(_ role: SyntaxPlan.Role) -> Bool {
        guard heldSpace == 0, !isReasoning, !isBeginning else { return false }
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
            guard isThoughtEmpty else { return releaseAll(emit) }
            emitHeld(as: .markup, emit)
        } else {
            if !isBeginning { releaseSpace(emit) }
            emitHeld(as: markup, emit)
        }
        isReasoning = true
        isThoughtEmpty = true
        skip = .lineEnds
    }

    private mutating func endReasoning(_ emit: (OutputPiece) -> Void) {
        if isReasoning || isBeginning {
            // Where the answer begins it means that nothing was thought.
            emitHeld(as: markup, emit)
            isReasoning = false
            skip = .space
        } else if showsReasoning {
            releaseAll(emit)
        } else {
            completeStray(emit)
        }
    }

    /// A marker that has lost what it belongs to. Next to calls the white space around it is markup as well.
    private mutating func completeStray(_ emit: (OutputPiece) -> Void) {
        let isAlone = isBeginning || debris == .behindCall
        if !isAlone { releaseSpace(emit) }
        if debris == .brokenCall, let calls = plan.calls, held[heldSpace...].elementsEqual(calls.outerClosing) {
            debris = .behindCall
        }
        emitHeld(as: .markup, emit)
        if isAlone { skip = .space }
    }

    // MARK: Held bytes

    private mutating func emitHeld(as channel: Channel, _ emit: (OutputPiece) -> Void) {
        emit(.text(channel, held[...]))
        held.removeAll(keepingCapacity: true)
        heldSpace = 0
    }

    private mutating func releaseSpace(_ emit: (OutputPiece) -> Void) { release(heldSpace, emit) }

    /// Hands on all that is held, because it is text and no marker follows at once.
    mutating func releaseAll(_ emit: (OutputPiece) -> Void) {
        if held.count > heldSpace { noteText() }
        release(held.count, emit)
    }

    /// Hands on the first `count` held bytes as text.
    private mutating func release(_ count: Int, _ emit: (OutputPiece) -> Void) {
        if count == 0 { return }
        noteLast(held[..<count])
        emit(.text(channel, held[..<count]))
        dropHeld(count)
    }

    mutating func noteLast(_ text: ArraySlice<UInt8>) {
        lastBytes = text.count > 1 ? Array(text.suffix(2)) : Array((lastBytes + text).suffix(2))
    }

    mutating func dropHeld(_ count: Int) {
        held.removeFirst(count)
        heldSpace = max(0, heldSpace - count)
        if let range = candidate?.range { candidate?.range = range.lowerBound - count..<range.upperBound - count }
    }
}
