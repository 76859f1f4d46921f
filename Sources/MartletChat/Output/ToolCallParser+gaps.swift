import MartletJinja
import MartletProtocol

/// The text between the parts of a section: delimiters and heads of calls.
extension ToolCallParser {
    // MARK: Repeated literals

    /// Accepts repetitions of a delimiter before `next`. Models write `<tool_call>` twice.
    mutating func passRepeats(of literal: [[UInt8]], then next: Next) {
        guard !literal.isEmpty else { return go(to: next) }
        matcher = LiteralMatcher([literal])
        phase = .repeated(literal: literal, then: next)
    }

    /// Enters the next part.
    private mutating func go(to next: Next) {
        switch next {
        case .gap: startGap()
        case .call: startCall()
        case .arguments: phase = tagged == nil ? .arguments : .tagged
        }
    }

    /// Consumes a byte behind a delimiter that may be repeated.
    mutating func consumeRepeated(
        _ byte: UInt8, _ literal: [[UInt8]], _ next: Next, _ emit: (OutputPiece) -> Void
    ) -> Step {
        pending.append(byte)
        switch matcher.consume(byte) {
        case .more where pending.count < Self.maximumHead: return .more
        case .match:
            if tool == nil { raw += pending } else { emit(.text(.delimiter, pending[...])) }
            pending = []
            matcher = LiteralMatcher([literal])
            return .more
        case .more, .mismatch:
            let bytes = pending
            pending = []
            go(to: next)
            return consume(again: bytes, emit: emit)
        }
    }

    // MARK: Gaps

    /// Indices of the texts that may stand in a gap.
    private enum GapText {
        static let call = 0
        static let sectionEnd = 1
        static let callEnd = 2
        /// From here on: the names of tools.
        static let names = 3
    }

    /// Begins a gap: a call, the end of the section, or the end of a call may follow.
    mutating func startGap() {
        matcher = LiteralMatcher([plan.callOpening, plan.closing, plan.callClosing] + names)
        gapStart = raw.count
        phase = .gap
    }

    /// Texts with which calls begin if their opening delimiter is missing: tool names.
    private var names: [[[UInt8]]] {
        guard case .headed(let head, _) = plan.format.shape, !plan.callOpening.isEmpty else { return [] }
        let names = tools.tools.map { Array($0.name.utf8) }
        let start = Array(head.nameStart.utf8)
        return names.map { [$0] } + (start.isEmpty ? [] : names.map { [start + $0] })
    }

    /// Begins a call behind its opening delimiter.
    private mutating func startCall() {
        switch plan.format.shape {
        case .object, .nameAsKey:
            object = ToolCallObjectParser(plan.format)
            phase = .object
        case .headed: phase = .head(DelimiterAutomaton.root)
        }
    }

    /// Consumes a byte of a gap.
    mutating func consumeGap(_ byte: UInt8, _ emit: (OutputPiece) -> Void) -> Step {
        if matcher.isAtBeginning, plan.format.callOpening.isEmpty, !isListClosed, beginsCall(byte) {
            startCall()
            return consume(byte, emit: emit)
        }
        if let other = otherForm(byte) {
            change(to: other)
            return consume(byte, emit: emit)
        }
        let isListEnd = isPunctuation(byte) && byte == UInt8(ascii: "]") && matcher.isAtBeginning
        raw.append(byte)
        guard raw.count < Self.maximumRaw else { return fail(nil) }
        if isListEnd { return endList(emit) }
        if matcher.isAtBeginning, ArgumentTranscriber.isSpace(byte) || isPunctuation(byte) { return .more }
        switch matcher.consume(byte) {
        case .more: break
        case .match(GapText.call): passRepeats(of: plan.callOpening, then: .call)
        case .match(GapText.sectionEnd):
            guard count > 0 else { return fail("A section of tool calls contains no call") }
            emit(.text(.delimiter, raw[...]))
            return .ended(rest: [])
        case .match(GapText.callEnd):
            guard count > 0 else { return fail("Text that begins as a tool call is not a tool call") }
            emit(.text(.delimiter, raw[...]))
            return resumeGap()
        case .match:
            head = Array(raw[gapStart...].drop { ArgumentTranscriber.isSpace($0) || isPunctuation($0) })
            phase = .head(DelimiterAutomaton.root)
        case .mismatch:
            guard count > 0 else {
                return fail(plan.format.startsBare ? nil : "Text that begins as a tool call is not a tool call")
            }
            // White space and separators behind the last call belong to the section, not to the text behind it.
            let text = raw.drop { ArgumentTranscriber.isSpace($0) || isPunctuation($0) }
            let space = raw[..<text.startIndex]
            if !space.isEmpty { emit(.text(.delimiter, space)) }
            return .ended(rest: Array(text))
        }
        return .more
    }

    /// The format of another version of the model, if the byte begins a call of that format instead of a list.
    private func otherForm(_ byte: UInt8) -> ToolCallPlan? {
        guard count == 0, !plan.others.isEmpty, !ArgumentTranscriber.isSpace(byte), !isPunctuation(byte),
            raw[gapStart...].allSatisfy(ArgumentTranscriber.isSpace)
        else { return nil }
        return plan.others.first { !$0.callOpening.isEmpty }
    }

    /// Ends a list. Only the end of the section may follow its bracket.
    private mutating func endList(_ emit: (OutputPiece) -> Void) -> Step {
        emit(.text(.delimiter, raw[...]))
        guard !plan.closing.isEmpty else { return .ended(rest: []) }
        isListClosed = true
        return resumeGap()
    }

    /// Whether a call without an opening delimiter begins with `byte`.
    private func beginsCall(_ byte: UInt8) -> Bool {
        switch plan.format.shape {
        case .object, .nameAsKey: byte == UInt8(ascii: "{")
        case .headed: ArgumentTranscriber.isLetter(byte)
        }
    }

    /// Whether the byte is punctuation around or between calls.
    func isPunctuation(_ byte: UInt8) -> Bool {
        guard !isListClosed else { return false }
        return switch byte {
        case UInt8(ascii: ","), UInt8(ascii: ";"): true
        case UInt8(ascii: "["): plan.format.isList && count == 0
        case UInt8(ascii: "]"): plan.format.isList && count > 0
        default: false
        }
    }

    // MARK: Heads

    /// Consumes a byte of a head, up to the delimiter that ends it or begins the arguments.
    mutating func consumeHead(_ byte: UInt8, _ state: Int, _ emit: (OutputPiece) -> Void) -> Step {
        if byte == UInt8(ascii: "["), head.allSatisfy(ArgumentTranscriber.isSpace),
            let other = plan.others.first(where: \.format.isList)
        {
            change(to: other)
            return consume(byte, emit: emit)
        }
        raw.append(byte)
        head.append(byte)
        guard head.count <= Self.maximumHead else {
            return fail("The name of a tool call is longer than \(Self.maximumHead) bytes")
        }
        let next = plan.headEnd.next(state, byte)
        guard let match = plan.headEnd.match(next) else {
            phase = .head(next)
            return .more
        }
        let end = Array(head.suffix(plan.headEnd.length(of: match)))
        head.removeLast(end.count)
        let belongsToArguments = [.object, .argument].contains(plan.headEnds[match])
        let step = endHead(plan.headEnds[match], argumentCount: belongsToArguments ? end.count : 0, emit)
        guard case .more = step, tool != nil, belongsToArguments else { return step }
        return consume(again: end, emit: emit)
    }

    /// Ends a head: emits the call and begins its arguments.
    /// - Parameter argumentCount: the number of last bytes in `raw` that belong to the arguments.
    mutating func endHead(
        _ end: ToolCallPlan.HeadEnd, argumentCount: Int = 0, _ emit: (OutputPiece) -> Void
    ) -> Step {
        guard case .headed(let format, let shape) = plan.format.shape else { return fail(nil) }
        guard let name = Self.name(in: head, format, among: tools) else { return failName(head) }
        head = []
        begin(name, argumentCount: argumentCount, emit)
        if end == .callEnd {
            output.append(contentsOf: "{}".utf8)
            endCall(emit)
            return isSection ? resumeGap() : .ended(rest: [])
        }
        tagged = nil
        phase = .arguments
        switch shape {
        case .object: transcriber = ArgumentTranscriber(.json)
        case .python:
            transcriber = ArgumentTranscriber(.python, isCall: true)
            output.append(UInt8(ascii: "{"))
        case .gemma:
            transcriber = ArgumentTranscriber(.gemma)
            _ = transcriber.consume(UInt8(ascii: "{"), into: &output)
        case .tagged:
            tagged = plan.tagged.map { TaggedArgumentParser($0, plan, tool: name, tools: tools) }
            phase = .tagged
        }
        if end == .end { passRepeats(of: plan.headEndParts, then: .arguments) }
        return .more
    }

    /// The number of the tool that a head names; nil = none that was offered.
    ///
    /// Text in front of `nameStart` and behind a name stop is ignored: `functions.get_weather:0` names `get_weather`.
    static func name(in head: [UInt8], _ format: ToolCallHead, among tools: OfferedTools) -> Int? {
        var text = ProvenanceText(String(decoding: head, as: UTF8.self), isTrusted: true)
        if !format.nameStart.isEmpty,
            let start = text.occurrences(
                of: ProvenanceText(format.nameStart, isTrusted: true), limit: 1
            ).first
        {
            text = text.slice(start + format.nameStart.utf8.count..<text.byteCount)
        }
        text = text.stripped()
        if let number = tools.number(of: text.string) { return number }
        for stop in format.nameStops {
            guard let end = text.occurrences(of: ProvenanceText(stop, isTrusted: true), limit: 1).first else {
                continue
            }
            if let number = tools.number(of: text.slice(0..<end).stripped().string) { return number }
        }
        return nil
    }
}
