package import MartletProtocol

/// Tells thinking, text and tool calls apart while a model writes.
///
/// Takes the answer's bytes as they come and hands the parts on in order, none of the text lost. How the bytes are cut
/// changes only how the pieces are cut. The delimiters, the line ends behind the start of a think block, and the white
/// space around its end, in front of calls and behind them are markup. So is a delimiter that has lost what it belongs
/// to. A call ends thinking.
///
/// What may still turn out to be part of a delimiter stays pending: at most a delimiter's length, and white space next
/// to one.
/// - Complexity: linear in the bytes, however they are cut.
package struct OutputParser: Sendable {
    enum State: Equatable {
        /// Reading content or thinking.
        case text
        /// Inside of a message's head: the state of the search for its end.
        case messageHead(Int)
        case calls
    }
    /// What is passed over in front of text.
    enum Skip {
        case nothing
        case lineEnds
        case space
    }
    /// What parts of calls may still come that belong to none.
    enum Debris {
        case nothing
        /// Nothing but white space and markup has come since a call.
        case behindCall
        /// What was to be a call was none, and its end has not come.
        case brokenCall
    }
    /// A whole delimiter among the pending bytes, which may become a longer one.
    struct Candidate {
        var role: ChatFormatPlan.Role
        var range: Range<Int>
    }

    let plan: ChatFormatPlan
    let tools: OfferedTools?
    /// Whether thinking is handed on as content, delimiters included.
    let showsReasoning: Bool
    var state = State.text
    var isReasoning = false
    /// Nothing but white space has been thought in this think block.
    var isReasoningEmpty = true
    /// Nothing but white space and markup so far.
    var isBeginning = true
    var skip = Skip.nothing
    /// Bytes not handed on: white space, then the beginning of a delimiter.
    var pending: [UInt8] = []
    /// How many of the pending bytes are white space in front of what may be a delimiter.
    var pendingSpace = 0
    var node = DelimiterAutomaton.root
    var candidate: Candidate?
    /// The last two bytes of text that were handed on.
    var lastBytes: [UInt8] = []
    var debris = Debris.nothing
    /// The head of a message, with the delimiter that began it.
    var head: [UInt8] = []
    /// Where the head begins behind that delimiter.
    var headStart = 0
    var calls: ToolCallParser?
    var callCount = 0
    /// Whether text is read once more that was to be a call, and whether calls are looked for in it.
    var isReplaying = false
    var readsCallsAgain = true
    /// What is to be said before anything else.
    var warnings: [String]

    /// - Parameters:
    ///   - tools: What the model may call; `nil` = calls are text.
    ///   - prompt: What the template put in front of the answer; says whether a think block is open.
    ///   - continuation: The beginning of the answer, which the model goes on with.
    ///   - showsReasoning: Whether thinking is left in the content.
    ///   - warnings: What is to be said of the request before the answer.
    package init(
        _ format: PreparedChatFormat, tools: OfferedTools? = nil, after prompt: String = "",
        continuing continuation: String = "", showsReasoning: Bool = false, warnings: [String] = []
    ) {
        self.warnings = warnings
        plan = tools == nil ? format.plain : format.withCalls
        self.tools = tools
        self.showsReasoning = showsReasoning
        for byte in prompt.utf8 { consume(byte) { _ in } }
        forget()
        guard !continuation.isEmpty else { return }
        var hasContent = false
        for byte in continuation.utf8 {
            consume(byte) { piece in
                if case .text(.content, _) = piece { hasContent = true }
            }
        }
        if isReasoning, !pending.isEmpty { isReasoningEmpty = false }
        hasContent = hasContent || (!isReasoning && !pending.isEmpty)
        forget()
        isBeginning = !hasContent
    }

    /// Text that has been read says nothing about the answer; the beginning of a delimiter does.
    private mutating func forget() {
        if state == .calls {
            calls = nil
            state = .text
        }
        guard state == .text else { return }
        if node == DelimiterAutomaton.root {
            pending = []
            pendingSpace = 0
        } else {
            dropPending(pendingSpace)
        }
        isBeginning = true
        debris = .nothing
    }

    /// The channel of the text that would come now.
    package var channel: OutputChannel { isReasoning && !showsReasoning ? .reasoning : .content }

    /// Whether the model is thinking.
    package var isInReasoning: Bool { isReasoning }

    /// How many bytes were read that are not handed on yet. At the beginning these are the prompt's.
    var pendingByteCount: Int { head.count + pending.count }

    /// Takes the next bytes; `emit` gets pieces that are not empty.
    package mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) {
        emitWarnings(emit)
        var run = TextRun()
        var index = bytes.startIndex
        while index < bytes.endIndex {
            if state == .text, skip == .nothing, pending.isEmpty, isReasoning || !isBeginning {
                let end = plainEnd(in: bytes, from: index)
                if end > index {
                    recordText()
                    recordLast(bytes[index..<end])
                    run.append(.text(channel, bytes[index..<end]), emit)
                    index = end
                    continue
                }
            }
            consume(bytes[index]) { run.append($0, emit) }
            index += 1
        }
        calls?.flush { run.append($0, emit) }
        run.flush(emit)
    }

    private mutating func emitWarnings(_ emit: (OutputPiece) -> Void) {
        guard !warnings.isEmpty else { return }
        for warning in warnings { emit(.warning(warning)) }
        warnings = []
    }

    /// The end of the bytes from `index` on that no delimiter can begin with and that are no white space.
    private func plainEnd(in bytes: ArraySlice<UInt8>, from index: Int) -> Int {
        let automaton = delimiters.automaton
        let mayHoldDelimiterSpace = mayHoldDelimiterSpace
        var end = index
        while end < bytes.endIndex, automaton.next(DelimiterAutomaton.root, bytes[end]) == DelimiterAutomaton.root,
            !mayHoldDelimiterSpace || !ArgumentTranscriber.isSpace(bytes[end])
        {
            end += 1
        }
        return end
    }

    /// The answer is complete: hands on what is pending.
    package mutating func finish(emit: (OutputPiece) -> Void) {
        emitWarnings(emit)
        var run = TextRun()
        finishAll { run.append($0, emit) }
        run.flush(emit)
    }

    private mutating func finishAll(_ emit: (OutputPiece) -> Void) {
        // What was to be a head or a call is read again as text; each time its opening is left behind.
        while true {
            switch state {
            case .text where candidate != nil: completeCandidate(emit)
            case .text: return releaseAll(emit)
            case .messageHead: breakHead(endCount: 0, isCall: false, emit)
            case .calls: finishCalls(emit)
            }
        }
    }

    var delimiters: ChatFormatPlan.DelimiterSet { isReasoning ? plan.reasoning : plan.content }

    /// Whether white space may belong to a delimiter behind it.
    var mayHoldDelimiterSpace: Bool { isReasoning || isBeginning || plan.calls != nil }

    mutating func consume(_ byte: UInt8, emit: (OutputPiece) -> Void) {
        switch state {
        case .text: consumeText(byte, emit)
        case .messageHead(let state): consumeHead(byte, state, emit)
        case .calls: consumeCall(byte, emit)
        }
    }
}
