package import MartletProtocol

/// Tells thinking, text and tool calls apart while a model writes.
///
/// Takes the answer's bytes as they come and hands the parts on in order, none of the text lost. How the bytes are cut
/// changes only how the pieces are cut. The markers, the line ends behind the start of a think block, and the white
/// space around its end, in front of calls and behind them are markup.
///
/// What may still turn out to be part of a marker is held back: at most a marker's length, and white space next to one.
/// - Complexity: linear in the bytes, however they are cut.
package struct OutputParser: Sendable {
    private enum State: Equatable {
        /// Reading content or thinking.
        case text
        /// Inside of a message's head: the state of the search for its end.
        case messageHead(Int)
        case calls
    }
    /// What is passed over in front of text.
    private enum Skip {
        case nothing
        case lineEnds
        case space
    }
    /// Longest head of a message that is read.
    private static let maximumHead = 512

    private let plan: SyntaxPlan
    private let tools: OfferedTools?
    /// Whether thinking is handed on as content, markers included.
    private let showsReasoning: Bool
    private var state = State.text
    private var isReasoning = false
    /// Nothing but white space and markup so far.
    private var isBeginning = true
    private var skip = Skip.nothing
    /// Bytes not handed on: white space, then the beginning of a marker.
    private var held: [UInt8] = []
    /// How many of the held bytes are white space in front of what may be a marker.
    private var heldSpace = 0
    private var node = MarkerAutomaton.root
    /// The head of a message, with the marker that began it.
    private var head: [UInt8] = []
    /// Where the head begins behind that marker.
    private var headStart = 0
    private var calls: CallReader?
    private var callCount = 0
    /// What is to be said before anything else.
    private var warnings: [String]

    /// - Parameters:
    ///   - tools: What the model may call; `nil` = calls are text.
    ///   - prompt: What the template put in front of the answer; says whether a think block is open.
    ///   - continuation: The beginning of the answer, which the model goes on with.
    ///   - showsReasoning: Whether thinking is left in the content.
    ///   - warnings: What is to be said of the request before the answer.
    package init(
        _ syntax: AnswerSyntax, tools: OfferedTools? = nil, after prompt: String = "",
        continuing continuation: String = "", showsReasoning: Bool = false, warnings: [String] = []
    ) {
        self.warnings = warnings
        plan = tools == nil ? syntax.plain : syntax.withCalls
        self.tools = tools
        self.showsReasoning = showsReasoning
        for byte in prompt.utf8 { take(byte) { _ in } }
        forget()
        guard !continuation.isEmpty else { return }
        var hasContent = false
        for byte in continuation.utf8 {
            take(byte) { piece in
                if case .text(.content, _) = piece { hasContent = true }
            }
        }
        hasContent = hasContent || (!isReasoning && !held.isEmpty)
        forget()
        isBeginning = !hasContent
    }

    /// Text that has been read says nothing about the answer; the beginning of a marker does.
    private mutating func forget() {
        if state == .calls {
            calls = nil
            state = .text
        }
        guard state == .text else { return }
        if node == MarkerAutomaton.root {
            held = []
        } else {
            held.removeFirst(heldSpace)
        }
        heldSpace = 0
        isBeginning = true
    }

    /// The channel of the text that would come now.
    package var channel: Channel { isReasoning && !showsReasoning ? .reasoning : .content }

    /// Whether the model is thinking.
    package var isInReasoning: Bool { isReasoning }

    /// Takes the next bytes; `emit` gets pieces that are not empty.
    package mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) {
        tellWarnings(emit)
        var run = TextRun()
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if state == .text, skip == .nothing, held.isEmpty, isReasoning || !isBeginning {
                let end = plainEnd(in: bytes, from: index)
                if end > index {
                    run.take(.text(channel, bytes[index..<end]), emit)
                    index = end
                    continue
                }
            }
            take(bytes[index]) { run.take($0, emit) }
            index += 1
        }
        calls?.flush { run.take($0, emit) }
        run.flush(emit)
    }

    private mutating func tellWarnings(_ emit: (OutputPiece) -> Void) {
        guard !warnings.isEmpty else { return }
        for warning in warnings { emit(.warning(warning)) }
        warnings = []
    }

    /// The end of the bytes from `index` on that no marker can begin with and that are no white space.
    private func plainEnd(in bytes: ArraySlice<UInt8>, from index: Int) -> Int {
        let automaton = markers.automaton
        let holdsSpace = holdsSpace
        var end = index
        while end < bytes.endIndex, automaton.next(MarkerAutomaton.root, bytes[end]) == MarkerAutomaton.root,
            !holdsSpace || !ArgumentTranscriber.isSpace(bytes[end])
        {
            end += 1
        }
        return end
    }

    /// The answer is complete: hands on what is held.
    package mutating func finish(emit: (OutputPiece) -> Void) {
        tellWarnings(emit)
        var run = TextRun()
        finishAll { run.take($0, emit) }
        run.flush(emit)
    }

    private mutating func finishAll(_ emit: (OutputPiece) -> Void) {
        switch state {
        case .text: releaseAll(emit)
        case .messageHead:
            emit(.text(.markup, head[...]))
            head = []
        case .calls:
            guard let rest = calls?.finish(emit) else { return }
            if !rest.text.isEmpty { emit(.text(.content, rest.text[...])) }
            if let warning = rest.warning { emit(.warning(warning)) }
            calls = nil
        }
        state = .text
    }

    private var markers: SyntaxPlan.Markers { isReasoning ? plan.reasoning : plan.content }

    /// Whether white space may belong to a marker behind it.
    private var holdsSpace: Bool { isReasoning || isBeginning || plan.calls != nil }

    private mutating func take(_ byte: UInt8, emit: (OutputPiece) -> Void) {
        switch state {
        case .text: takeText(byte, emit)
        case .messageHead(let state): takeHead(byte, state, emit)
        case .calls: takeCall(byte, emit)
        }
    }

    // MARK: Text

    private mutating func takeText(_ byte: UInt8, _ emit: (OutputPiece) -> Void) {
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
        let markers = markers
        node = markers.automaton.next(node, byte)
        let depth = markers.automaton.depth(node)
        if depth == 0 {
            if held.count > heldSpace || !ArgumentTranscriber.isSpace(byte) || !holdsSpace {
                releaseAll(emit)
                if !holdsSpace || !ArgumentTranscriber.isSpace(byte) {
                    noteText()
                    emit(.text(channel, [byte]))
                    return
                }
            }
            held.append(byte)
            heldSpace = held.count
            return
        }
        held.append(byte)
        if depth < held.count - heldSpace {
            // A shorter beginning of a marker remains: what is in front of it is text.
            noteText()
            release(held.count - depth, emit)
        }
        if let match = markers.automaton.match(node) {
            let length = markers.automaton.depth(node)
            complete(markers.roles[match], length: length, emit)
        }
    }

    private mutating func noteText() {
        if !isReasoning { isBeginning = false }
    }

    /// Thinking that is left in the content keeps its markers.
    private var markup: Channel { showsReasoning ? .content : .markup }

    private func beginsBareCall(_ byte: UInt8) -> Bool {
        guard let calls = plan.calls?.syntax, calls.startsBare, held.count == heldSpace else { return false }
        return byte == (calls.isList ? UInt8(ascii: "[") : UInt8(ascii: "{"))
    }

    /// The last `length` of the held bytes are a marker.
    private mutating func complete(_ role: SyntaxPlan.Role, length: Int, _ emit: (OutputPiece) -> Void) {
        node = MarkerAutomaton.root
        switch role {
        case .reasoningStart:
            if !isBeginning { releaseSpace(emit) }
            emitHeld(as: markup, emit)
            isReasoning = true
            skip = .lineEnds
        case .reasoningEnd:
            // In content it means something only where the answer begins: then nothing was thought.
            guard isReasoning || isBeginning else {
                releaseAll(emit)
                return
            }
            emitHeld(as: markup, emit)
            isReasoning = false
            skip = .space
        case .contentStart:
            if !isBeginning { releaseSpace(emit) }
            emitHeld(as: .markup, emit)
            isBeginning = false
        case .contentEnd, .ignored:
            if !isBeginning, role == .contentEnd { releaseSpace(emit) }
            emitHeld(as: .markup, emit)
            skip = .space
        case .messageHead:
            head = held
            headStart = held.count
            held.removeAll(keepingCapacity: true)
            heldSpace = 0
            isReasoning = false
            state = .messageHead(MarkerAutomaton.root)
        case .section: beginCalls(.section, emit)
        case .call: beginCalls(.call, emit)
        }
    }

    private mutating func emitHeld(as channel: Channel, _ emit: (OutputPiece) -> Void) {
        emit(.text(channel, held[...]))
        held.removeAll(keepingCapacity: true)
        heldSpace = 0
    }

    private mutating func releaseSpace(_ emit: (OutputPiece) -> Void) { release(heldSpace, emit) }

    /// Hands on all that is held, because it is text and no marker follows at once.
    private mutating func releaseAll(_ emit: (OutputPiece) -> Void) {
        if held.count > heldSpace { noteText() }
        release(held.count, emit)
    }

    /// Hands on the first `count` held bytes as text.
    private mutating func release(_ count: Int, _ emit: (OutputPiece) -> Void) {
        heldSpace = max(0, heldSpace - count)
        if count == 0 { return }
        emit(.text(channel, held[..<count]))
        held.removeFirst(count)
    }

    // MARK: Heads of messages

    private mutating func takeHead(_ byte: UInt8, _ node: Int, _ emit: (OutputPiece) -> Void) {
        head.append(byte)
        let next = plan.messageHeadEnd.next(node, byte)
        state = .messageHead(next)
        if plan.messageHeadEnd.match(next) != nil {
            endHead(end: plan.messageHeadEnd.depth(next), emit)
        } else if head.count > Self.maximumHead {
            emit(.text(.content, head[...]))
            head = []
            isBeginning = false
            state = .text
        }
    }

    private mutating func endHead(end: Int, _ emit: (OutputPiece) -> Void) {
        guard let syntax = plan.syntax.messageHead else { return }
        let bytes = head
        head = []
        state = .text
        let name = Array(bytes.dropLast(end).dropFirst(headStart))
        func isHead(of words: [String]) -> Bool {
            words.contains { word in
                let word = Array(word.utf8)
                return syntax.matchesWhole ? name == word : name.starts(with: word)
            }
        }
        if let call = syntax.call, String(decoding: name, as: UTF8.self).contains(call) || call.isEmpty,
            let callPlan = plan.calls, let tools,
            case .headed(let head, _) = callPlan.syntax.form, CallReader.name(in: name, head, among: tools) != nil
        {
            emit(.text(.markup, bytes[...]))
            beginCalls(.messageHead(name), emit)
        } else if isHead(of: syntax.reasoning) {
            emit(.text(.markup, bytes[...]))
            isReasoning = true
        } else if syntax.others == .markup || isHead(of: syntax.content) {
            emit(.text(.markup, bytes[...]))
        } else {
            emit(.text(.content, bytes[...]))
            isBeginning = false
        }
    }

    // MARK: Calls

    private mutating func beginCalls(_ beginning: CallReader.Beginning, _ emit: (OutputPiece) -> Void) {
        guard let callPlan = plan.calls, let tools, callCount < CallReader.maximumCalls else {
            releaseAll(emit)
            return
        }
        calls = CallReader(callPlan, tools: tools, beginning: beginning, raw: held, nextCall: callCount)
        held.removeAll(keepingCapacity: true)
        heldSpace = 0
        isReasoning = false
        state = .calls
        if case .messageHead = beginning, let step = calls?.endHead(emit) { follow(step, emit) }
    }

    private mutating func takeCall(_ byte: UInt8, _ emit: (OutputPiece) -> Void) {
        guard let step = calls?.take(byte, emit: emit) else { return }
        follow(step, emit)
    }

    private mutating func follow(_ step: CallReader.Step, _ emit: (OutputPiece) -> Void) {
        switch step {
        case .more: return
        case .ended(let rest):
            endCalls()
            skip = .space
            for byte in rest { take(byte, emit: emit) }
        case .failed(let text, let warning):
            endCalls()
            isBeginning = false
            if !text.isEmpty { emit(.text(.content, text[...])) }
            if let warning { emit(.warning(warning)) }
        }
    }

    private mutating func endCalls() {
        callCount = calls?.nextCall ?? callCount
        calls = nil
        state = .text
        isBeginning = false
    }
}
