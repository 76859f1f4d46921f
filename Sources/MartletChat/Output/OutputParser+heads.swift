import MartletProtocol

/// Heads of messages within an answer, which say what follows: `<|channel|>analysis<|message|>`.
extension OutputParser {
    /// Longest head of a message that is read.
    private static var maximumHead: Int { 512 }

    /// The held bytes begin one.
    mutating func beginHead() {
        head = held
        headStart = held.count
        held.removeAll(keepingCapacity: true)
        heldSpace = 0
        isReasoning = false
        state = .messageHead(MarkerAutomaton.root)
    }

    mutating func takeHead(_ byte: UInt8, _ node: Int, _ emit: (OutputPiece) -> Void) {
        if byte == UInt8(ascii: "{"), namesCall(head[headStart...]) {
            // Arguments follow, and the end of the head is missing.
            endHead(endCount: 0, emit)
            take(byte, emit: emit)
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

    private mutating func endHead(endCount: Int, _ emit: (OutputPiece) -> Void) {
        guard let syntax = plan.syntax.messageHead else { return }
        let bytes = head
        let name = bytes.dropLast(endCount).dropFirst(headStart)
        let last = self.last(of: name)
        head = []
        state = .text
        if namesCall(name) {
            emit(.text(.markup, bytes[...]))
            beginCalls(.messageHead(Array(syntax.call == "" ? last.text : name)), emit)
        } else if word(of: last.text, among: syntax.reasoning) != nil {
            // What is shown of thinking begins with its own head.
            if last.start > 0 { emit(.text(.markup, bytes[..<last.start])) }
            emit(.text(markup, bytes[last.start...]))
            isReasoning = true
            isThoughtEmpty = true
        } else if syntax.others == .markup || word(of: last.text, among: syntax.content) != nil {
            emit(.text(.markup, bytes[...]))
        } else {
            emit(.text(.content, bytes[...]))
            isBeginning = false
        }
    }

    /// The end of the head is missing: what stands behind its word is text.
    mutating func breakHead(endCount: Int, isCall: Bool, _ emit: (OutputPiece) -> Void) {
        guard let syntax = plan.syntax.messageHead else { return }
        let bytes = head
        let end = bytes.count - endCount
        head = []
        state = .text
        guard syntax.others == .markup else {
            emit(.text(.content, bytes[...]))
            isBeginning = false
            return
        }
        let last = self.last(of: bytes[headStart..<end]).text
        let thinking = word(of: last, among: syntax.reasoning)
        let count = (thinking ?? word(of: last, among: syntax.content))?.count ?? 0
        // In front of a call stands its recipient.
        let text = isCall ? end : last.startIndex + count
        if text > 0 { emit(.text(.markup, bytes[..<text])) }
        if thinking != nil {
            isReasoning = true
            isThoughtEmpty = true
        }
        for byte in bytes[text...] { take(byte, emit: emit) }
    }

    /// Whether the head names a tool that may be called.
    private func namesCall(_ name: ArraySlice<UInt8>) -> Bool {
        guard let call = plan.syntax.messageHead?.call, let tools, case .headed(let head, _)? = plan.calls?.syntax.form
        else { return false }
        if call.isEmpty { return CallReader.name(in: Array(last(of: name).text), head, among: tools) != nil }
        return String(decoding: name, as: UTF8.self).contains(call)
            && CallReader.name(in: Array(name), head, among: tools) != nil
    }

    /// What stands behind the last beginning of a head in `name`, and where that begins: models write several.
    private func last(of name: ArraySlice<UInt8>) -> (start: Int, text: ArraySlice<UInt8>) {
        var last = (start: 0, text: name)
        for start in plan.syntax.messageHead?.starts ?? [] {
            let start = Array(start.utf8)
            guard last.text.count >= start.count else { continue }
            let places = last.text.startIndex...last.text.endIndex - start.count
            guard let place = places.last(where: { last.text[$0...].starts(with: start) }) else { continue }
            last = (place, last.text[(place + start.count)...])
        }
        return last
    }

    /// The longest of `words` that a head begins with.
    private func word(of name: ArraySlice<UInt8>, among words: [String]) -> [UInt8]? {
        let isWhole = plan.syntax.messageHead?.matchesWhole ?? false
        return words.map { Array($0.utf8) }.filter { isWhole ? name.elementsEqual($0) : name.starts(with: $0) }
            .max { $0.count < $1.count }
    }
}
