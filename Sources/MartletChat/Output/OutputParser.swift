package import MartletProtocol

/// Splits output into reasoning, content and tool calls while the model generates it.
///
///     parser.append("<think>Hm.</think>Yes.")   // text(reasoning, "Hm."), text(content, "Yes."), and two delimiters
///
/// Invariants, each with a test in MartletChatTests:
/// - No byte is lost. The bytes of all `text` pieces and of calls, in order, are the bytes of the output. Delimiters
///   are pieces too, on the channel `delimiter`.
/// - The result does not depend on how the bytes are cut. Cutting changes only where pieces are cut.
/// - Lookahead is bounded. Pending bytes are at most one delimiter and the white space next to it. A head is at most
///   512 bytes; an undecided call at most 1 MiB.
/// - A call ends reasoning, with or without the end delimiter.
/// - Within a value of a response schema no reasoning and no call begins: in `{"tag": "<think>"}` all bytes are content.
///
/// Delimiters include the line ends behind the start of reasoning, and the white space around its end and around
/// calls. A delimiter whose counterpart is missing is removed as well. `design.md` draws the states.
///
/// A value type without locks: a copy is a snapshot. Thread: one at a time.
/// - Complexity: linear in the bytes, however they are cut.
package struct OutputParser: Sendable {
    /// The state between two bytes; `design.md` draws the transitions.
    enum State: Equatable {
        /// In content or reasoning.
        case text
        /// Within the head of a message; the value is the automaton's state in the search for its end.
        case messageHead(Int)
        /// Within a section of tool calls; `calls` has its state.
        case calls
    }
    /// White space that the next text does not begin with, because a delimiter owns it.
    enum Skip {
        case nothing
        /// Line feeds and carriage returns: behind the start of reasoning.
        case lineEnds
        /// All white space: behind the end of reasoning, of content and of calls.
        case space
    }
    /// Whether delimiters of calls may still come that belong to no call.
    enum Debris {
        case nothing
        /// Since the last call only white space and delimiters have come.
        case behindCall
        /// A call has failed, and its closing delimiter has not come yet.
        case brokenCall
    }
    /// A complete delimiter among the pending bytes. A longer one may follow from it: `<think>` from `<thi`, or
    /// `<|end|>` from `<|end`.
    struct Candidate {
        var role: ChatFormatPlan.Role
        /// The range of the delimiter in `pending`.
        var range: Range<Int>
    }

    let plan: ChatFormatPlan
    let tools: OfferedTools?
    /// Whether reasoning is emitted as content, with its delimiters (`reasoning_format: none`).
    let showsReasoning: Bool
    /// Whether the content is a value of a response schema. The prompt's text never is.
    private(set) var holdsValue = false
    /// Whether this value has begun.
    var isInValue = false
    var state = State.text
    /// Whether the next text is reasoning.
    var isReasoning = false
    /// Whether this reasoning has consisted of white space only so far.
    var isReasoningEmpty = true
    /// Whether the output has consisted of white space and delimiters only so far. A bare call can begin only here.
    var isBeginning = true
    var skip = Skip.nothing
    /// Bytes that are consumed and not emitted: white space, then the beginning of a delimiter.
    var pending: [UInt8] = []
    /// The number of pending bytes that are white space in front of a possible delimiter.
    var pendingSpace = 0
    /// State of the automaton of the current delimiter set.
    var node = DelimiterAutomaton.root
    var candidate: Candidate?
    /// The last two bytes of text that were emitted. A backtick among them quotes the next delimiter.
    var lastBytes: [UInt8] = []
    var debris = Debris.nothing
    /// The bytes of the current message head, beginning with its delimiter.
    var head: [UInt8] = []
    /// The offset in `head` behind that delimiter.
    var headStart = 0
    var calls: ToolCallParser?
    /// The number of calls that were emitted; also the number of the next call.
    var callCount = 0
    /// Whether the bytes of a failed call are being parsed again. No second warning is emitted then.
    var isReplaying = false
    /// Whether calls are searched in bytes that are parsed again.
    var readsCallsAgain = true
    /// Warnings about the request, which are emitted before the first piece.
    var warnings: [String]

    /// - Parameters:
    /// - tools: the tools that the model may call. nil = calls are text.
    /// - prompt: the end of the prompt that belongs to the output. It decides whether the output begins within
    ///   reasoning.
    /// - continuation: the beginning of the output, which the client sent and the model continues. It is parsed and
    ///   not emitted.
    /// - showsReasoning: whether reasoning stays in the content.
    /// - holdsValue: whether the grammar of the request makes the content a value of a response schema.
    /// - warnings: warnings about the request, emitted before the output.
    package init(
        _ format: PreparedChatFormat, tools: OfferedTools? = nil, after prompt: String = "",
        continuing continuation: String = "", showsReasoning: Bool = false, holdsValue: Bool = false,
        warnings: [String] = []
    ) {
        self.warnings = warnings
        plan = tools == nil ? format.plain : format.withCalls
        self.tools = tools
        self.showsReasoning = showsReasoning
        for byte in prompt.utf8 { consume(byte) { _ in } }
        forget()
        self.holdsValue = holdsValue
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

    /// Drops what the prompt's text left behind, but retains the beginning of a delimiter, which the output may
    /// complete.
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

    /// The channel of text that would be emitted now.
    package var channel: OutputChannel { isReasoning && !showsReasoning ? .reasoning : .content }

    /// Whether the parser is within reasoning. The grammar asks for it at the end of the prompt.
    package var isInReasoning: Bool { isReasoning }

    /// The number of consumed bytes that are not emitted yet. Before the first `append` these are bytes of the prompt.
    var pendingByteCount: Int { head.count + pending.count }

    /// Consumes the next bytes. `emit` receives non-empty pieces in order, adjoining text of one channel joined.
    ///
    /// The slice may end anywhere, also within a code point. All that is certain has been emitted when the call
    /// returns.
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

    /// Emits the warnings about the request, once.
    private mutating func emitWarnings(_ emit: (OutputPiece) -> Void) {
        guard !warnings.isEmpty else { return }
        for warning in warnings { emit(.warning(warning)) }
        warnings = []
    }

    /// The end of the bytes from `index` on that are neither white space nor the first byte of a delimiter.
    ///
    /// The fast path: most output is plain text, and is emitted as slices of the input without copying byte by byte.
    private func plainEnd(in bytes: ArraySlice<UInt8>, from index: Int) -> Int {
        let automaton = delimiters.automaton
        let delimitersOwnSpace = delimitersOwnSpace
        var end = index
        while end < bytes.endIndex, automaton.next(DelimiterAutomaton.root, bytes[end]) == DelimiterAutomaton.root,
            !delimitersOwnSpace || !ArgumentTranscriber.isSpace(bytes[end])
        {
            end += 1
        }
        return end
    }

    /// Ends the output: emits everything pending. Call it once; the parser is not used afterwards.
    package mutating func finish(emit: (OutputPiece) -> Void) {
        emitWarnings(emit)
        var run = TextRun()
        finishAll { run.append($0, emit) }
        run.flush(emit)
    }

    /// Resolves the pending state until nothing is left. A head without an end is parsed again as text, and so is a call
    /// that no delimiter began.
    private mutating func finishAll(_ emit: (OutputPiece) -> Void) {
        // Each round leaves at least the opening of a head or a call behind, so the loop ends.
        while true {
            switch state {
            case .text where candidate != nil: completeCandidate(emit)
            case .text: return releaseAll(emit)
            case .messageHead: breakHead(endCount: 0, isCall: false, emit)
            case .calls: finishCalls(emit)
            }
        }
    }

    /// The delimiters that have a meaning now. Fewer have one within reasoning and within a value.
    var delimiters: ChatFormatPlan.DelimiterSet {
        isReasoning ? plan.reasoning : isInValue ? plan.value : plan.content
    }

    /// Whether white space may belong to the delimiter behind it, so that it has to stay pending.
    var delimitersOwnSpace: Bool { isReasoning || isBeginning || plan.calls != nil }

    /// Consumes one byte in the current state. Bytes that were parsed as something else come here again.
    mutating func consume(_ byte: UInt8, emit: (OutputPiece) -> Void) {
        switch state {
        case .text: consumeText(byte, emit)
        case .messageHead(let state): consumeHead(byte, state, emit)
        case .calls: consumeCall(byte, emit)
        }
    }
}
