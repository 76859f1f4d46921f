import MartletProtocol

/// Heads of messages within an output. A head names the kind of the text behind it.
///
/// Harmony: `<|channel|>analysis<|message|>` begins reasoning, `<|channel|>final<|message|>` content, and
/// `<|channel|>commentary to=functions.NAME<|message|>` the arguments of a call.
extension OutputParser {
    /// Most bytes of a head. A longer one is treated as a head without an end.
    private static var maximumHead: Int { 512 }

    /// Enters a head. The pending bytes are the delimiter that begins it.
    mutating func beginHead() {
        head = pending
        headStart = pending.count
        pending.removeAll(keepingCapacity: true)
        pendingSpace = 0
        isReasoning = false
        state = .messageHead(DelimiterAutomaton.root)
    }

    /// Consumes a byte of a head, up to the delimiter that ends it or shows that its end is missing.
    mutating func consumeHead(_ byte: UInt8, _ node: Int, _ emit: (OutputPiece) -> Void) {
        if byte == UInt8(ascii: "{"), namesCall(head[headStart...]) {
            // A brace begins arguments: the delimiter that ends the head is missing.
            endHead(endCount: 0, emit)
            consume(byte, emit: emit)
            return
        }
        head.append(byte)
        let ends = plan.messageHeadEnd
        let next = ends.automaton.next(node, byte)
        state = .messageHead(next)
        if let match = ends.automaton.match(next) {
            let role = ends.roles[match]
            let count = ends.automaton.length(of: match)
            if role == .messageHead {
                endHead(endCount: count, emit)
            } else {
                breakHead(endCount: count, isCall: role == .section || role == .call, emit)
            }
        } else if head.count > Self.maximumHead {
            breakHead(endCount: 0, isCall: false, emit)
        }
    }

    /// Emits a complete head as a delimiter and enters what it announces: a call, reasoning, or content.
    private mutating func endHead(endCount: Int, _ emit: (OutputPiece) -> Void) {
        guard let format = plan.format.messageHead else { return }
        let bytes = head
        let name = bytes.dropLast(endCount).dropFirst(headStart)
        let last = self.last(of: name)
        head = []
        state = .text
        if namesCall(name) {
            emit(.text(.delimiter, bytes[...]))
            beginCalls(.messageHead(Array(format.call == "" ? last.text : name)), emit)
        } else if word(of: last.text, among: format.reasoning) != nil {
            // With `showsReasoning` the content shows the reasoning's own head, but not the heads in front of it.
            if last.start > 0 { emit(.text(.delimiter, bytes[..<last.start])) }
            emit(.text(delimiterChannel, bytes[last.start...]))
            isReasoning = true
            isReasoningEmpty = true
        } else if format.others == .discarded || word(of: last.text, among: format.content) != nil {
            emit(.text(.delimiter, bytes[...]))
        } else {
            emit(.text(.content, bytes[...]))
            isBeginning = false
        }
    }

    /// Ends a head whose end delimiter is missing. The text behind its known word is parsed again as text.
    mutating func breakHead(endCount: Int, isCall: Bool, _ emit: (OutputPiece) -> Void) {
        guard let format = plan.format.messageHead else { return }
        let bytes = head
        let end = bytes.count - endCount
        head = []
        state = .text
        guard format.others == .discarded else {
            emit(.text(.content, bytes[...]))
            isBeginning = false
            return
        }
        let last = self.last(of: bytes[headStart..<end]).text
        let reasoningWord = word(of: last, among: format.reasoning)
        let count = (reasoningWord ?? word(of: last, among: format.content))?.count ?? 0
        // In front of a call the whole head is its recipient, not text.
        let text = isCall ? end : last.startIndex + count
        if text > 0 { emit(.text(.delimiter, bytes[..<text])) }
        if reasoningWord != nil {
            isReasoning = true
            isReasoningEmpty = true
        }
        for byte in bytes[text...] { consume(byte, emit: emit) }
    }

    /// Whether the head names an offered tool, so that arguments follow.
    private func namesCall(_ name: ArraySlice<UInt8>) -> Bool {
        guard let call = plan.format.messageHead?.call, let tools, case .headed(let head, _)? = plan.calls?.format.shape
        else { return false }
        if call.isEmpty { return ToolCallParser.name(in: Array(last(of: name).text), head, among: tools) != nil }
        return String(decoding: name, as: UTF8.self).contains(call)
            && ToolCallParser.name(in: Array(name), head, among: tools) != nil
    }

    /// The part of `name` behind the last delimiter that begins a head, and its offset. Models write several heads in
    /// a row.
    private func last(of name: ArraySlice<UInt8>) -> (start: Int, text: ArraySlice<UInt8>) {
        var last = (start: 0, text: name)
        for start in plan.format.messageHead?.starts ?? [] {
            let start = Array(start.utf8)
            guard last.text.count >= start.count else { continue }
            let positions = last.text.startIndex...last.text.endIndex - start.count
            guard let position = positions.last(where: { last.text[$0...].starts(with: start) }) else { continue }
            last = (position, last.text[(position + start.count)...])
        }
        return last
    }

    /// The longest of `words` with which a head begins, or which it equals if the format compares heads as a whole.
    private func word(of name: ArraySlice<UInt8>, among words: [String]) -> [UInt8]? {
        let isWhole = plan.format.messageHead?.matchesWhole ?? false
        return words.map { Array($0.utf8) }.filter { isWhole ? name.elementsEqual($0) : name.starts(with: $0) }
            .max { $0.count < $1.count }
    }
}
