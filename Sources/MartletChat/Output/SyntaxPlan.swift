/// What a reader of answers needs of an `OutputSyntax`, made once.
final class SyntaxPlan: Sendable {
    /// What a marker in an answer's text means.
    enum Role: Sendable, Equatable {
        case reasoningStart
        case reasoningEnd
        case contentStart
        case contentEnd
        case messageHead
        case ignored
        /// Begins a section of calls.
        case section
        /// Begins a call that stands in no section.
        case call
    }
    /// Markers of one state, and what each means.
    struct Markers: Sendable {
        var automaton: MarkerAutomaton
        var roles: [Role]

        init(_ entries: [(text: String, role: Role)]) {
            var texts: [[UInt8]] = []
            var roles: [Role] = []
            for (text, role) in entries {
                let bytes = role == .section || role == .call ? SyntaxPlan.core(text) : SyntaxPlan.trimmed(text)
                guard !bytes.isEmpty, !texts.contains(bytes) else { continue }
                texts.append(bytes)
                roles.append(role)
            }
            automaton = MarkerAutomaton(texts)
            self.roles = roles
        }
    }

    let syntax: OutputSyntax
    let content: Markers
    let reasoning: Markers
    let messageHeadEnd: MarkerAutomaton
    let calls: CallPlan?

    /// - Parameter readsCalls: Whether tool calls are looked for; otherwise they are text.
    init(_ syntax: OutputSyntax, readsCalls: Bool) {
        self.syntax = syntax
        var entries: [(text: String, role: Role)] = []
        if let reasoning = syntax.reasoning { entries.append((reasoning.start, .reasoningStart)) }
        if let head = syntax.messageHead { entries += head.starts.map { ($0, .messageHead) } }
        for enclosure in syntax.content {
            entries.append((enclosure.start, .contentStart))
            entries += enclosure.ends.map { ($0, .contentEnd) }
        }
        if readsCalls, let calls = syntax.calls {
            entries += ([calls.opening] + calls.otherOpenings).map { ($0, .section) }
            // A call's opening may be left without its section, unless it is no marker for itself.
            if Self.core(calls.callOpening).count > 1 { entries.append((calls.callOpening, .call)) }
            // What nobody writes in a text for itself.
            entries += [calls.closing, calls.callClosing].filter { $0.hasPrefix("<|") || $0.hasPrefix("<｜") }
                .map { ($0, .ignored) }
        }
        entries += syntax.ignored.map { ($0, .ignored) }
        // Last, as what ends thinking may end text, too.
        entries += (syntax.reasoning?.ends ?? []).map { ($0, .reasoningEnd) }
        content = Markers(entries)
        reasoning = Markers(
            (syntax.reasoning?.ends ?? []).map { ($0, .reasoningEnd) }
                + (syntax.messageHead?.starts ?? []).map { ($0, .messageHead) })
        messageHeadEnd = MarkerAutomaton(syntax.messageHead.map { [Array($0.end.utf8)] } ?? [])
        calls = readsCalls ? syntax.calls.map(CallPlan.init) : nil
    }

    /// A literal without the white space around it.
    static func trimmed(_ text: String) -> [UInt8] { Array(Text(text, isTrusted: true).stripped().string.utf8) }

    /// The first part of a literal between white space, unless it is nothing but that.
    static func core(_ text: String) -> [UInt8] { LiteralMatcher.parts(text).first ?? Array(text.utf8) }
}

/// What a reader of calls needs of a `CallSyntax`.
struct CallPlan: Sendable {
    let syntax: CallSyntax
    /// What is left of an opening behind its core, if anything is.
    let openingRest: [[UInt8]]
    let callOpeningRest: [[UInt8]]
    let callOpening: [[UInt8]]
    let callClosing: [[UInt8]]
    let closing: [[UInt8]]
    /// What ends a head: 0 = its end, or the beginning of the arguments; 1 = the end of a call without arguments.
    let headEnd: MarkerAutomaton
    let tagged: TaggedPlan?

    init(_ syntax: CallSyntax) {
        self.syntax = syntax
        openingRest = Array(LiteralMatcher.parts(syntax.opening).dropFirst())
        callOpening = LiteralMatcher.parts(syntax.callOpening)
        callOpeningRest = Array(callOpening.dropFirst())
        callClosing = LiteralMatcher.parts(syntax.callClosing)
        closing = LiteralMatcher.parts(syntax.closing)
        var ends: [[UInt8]] = []
        var tagged: TaggedPlan?
        if case .headed(let head, let form) = syntax.form {
            switch form {
            case .object: ends = [SyntaxPlan.core(head.end)]
            case .python: ends = [Array("(".utf8)]
            case .gemma: ends = [Array("{".utf8)]
            case .tagged(let arguments):
                let plan = TaggedPlan(arguments)
                tagged = plan
                ends =
                    head.end.isEmpty
                    ? [SyntaxPlan.core(arguments.opening), SyntaxPlan.core(syntax.callClosing)]
                    : [SyntaxPlan.core(head.end)]
            }
        }
        headEnd = MarkerAutomaton(ends.filter { !$0.isEmpty })
        self.tagged = tagged
    }

    /// Whether the head of a call ends with the beginning of its first argument.
    var headEndsWithArgument: Bool {
        if case .headed(let head, .tagged) = syntax.form { head.end.isEmpty } else { false }
    }
}

/// What a reader of tagged arguments needs of a `TaggedArguments`.
struct TaggedPlan: Sendable {
    let syntax: TaggedArguments
    let opening: [[UInt8]]
    /// Ends the key.
    let keyEnd: MarkerAutomaton
    /// What must follow the key's end in front of the value, or in front of the word that says its type.
    let middle: [[UInt8]]
    /// Ends the word that says the type.
    let wordEnd: MarkerAutomaton?
    let closing: [UInt8]
    let closingMatcher: MarkerMatcher
    /// Whether a line feed stands between the tags and the value.
    let opensWithLineFeed: Bool
    let closesWithLineFeed: Bool

    init(_ syntax: TaggedArguments) {
        self.syntax = syntax
        opening = LiteralMatcher.parts(syntax.opening)
        var parts: [[UInt8]]
        switch syntax.middle {
        case .text(let text):
            parts = LiteralMatcher.parts(text)
            wordEnd = nil
            opensWithLineFeed = text.hasSuffix("\n")
        case .typed(let front, _, let back):
            parts = LiteralMatcher.parts(front)
            wordEnd = MarkerAutomaton([SyntaxPlan.core(back)])
            opensWithLineFeed = back.hasSuffix("\n")
        }
        keyEnd = MarkerAutomaton([parts.removeFirst()])
        middle = parts
        closing = SyntaxPlan.core(syntax.closing)
        closingMatcher = MarkerMatcher(closing)
        closesWithLineFeed = syntax.closing.hasPrefix("\n")
    }
}
