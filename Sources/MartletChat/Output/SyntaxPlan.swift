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
        /// Belongs to something that is not there, and is no text of its own.
        case stray
        /// As `stray`, but next to calls alone: elsewhere a text may hold it.
        case inner
    }
    /// Markers of one state, and what each means.
    struct Markers: Sendable {
        var automaton: MarkerAutomaton
        var roles: [Role]

        init(_ entries: [(text: String, role: Role)]) {
            var texts: [[UInt8]] = []
            var roles: [Role] = []
            for (text, role) in entries {
                var bytes = role == .section || role == .call ? SyntaxPlan.core(text) : SyntaxPlan.trimmed(text)
                // The end of a line ends some heads.
                if bytes.isEmpty { bytes = Array(text.utf8) }
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
    let messageHeadEnd: Markers
    let calls: CallPlan?

    /// - Parameter readsCalls: Whether tool calls are looked for; otherwise they are text.
    init(_ syntax: OutputSyntax, readsCalls: Bool) {
        self.syntax = syntax
        let calls = readsCalls ? syntax.calls : nil
        content = Markers(Self.contentEntries(syntax, calls))
        reasoning = Markers(Self.reasoningEntries(syntax, calls))
        messageHeadEnd = Markers(Self.headEntries(syntax, calls))
        self.calls = calls.map(CallPlan.init)
    }

    private typealias Entry = (text: String, role: Role)

    private static func contentEntries(_ syntax: OutputSyntax, _ calls: CallSyntax?) -> [Entry] {
        var entries: [Entry] = starts(of: syntax)
        for enclosure in syntax.content { entries += enclosure.ends.map { ($0, .contentEnd) } }
        if let calls { entries += openings(of: calls) }
        entries += syntax.ignored.map { ($0, .ignored) }
        // Behind the others, as what ends thinking may end text, too.
        entries += (syntax.reasoning?.ends ?? []).map { ($0, .reasoningEnd) }
        entries += syntax.strayTags.map { ($0, .stray) }
        if let calls {
            entries += calls.strayTags.map { ($0, OutputSyntax.isUnmistakable($0) ? .stray : .inner) }
        }
        return entries
    }

    /// What thinking is left by, beside its end: a head, the answer's text, or a call.
    private static func reasoningEntries(_ syntax: OutputSyntax, _ calls: CallSyntax?) -> [Entry] {
        let ends: [Entry] = (syntax.reasoning?.ends ?? []).map { ($0, .reasoningEnd) }
        return ends
            + (starts(of: syntax) + (calls.map(openings) ?? [])).filter {
                $0.role == .messageHead || OutputSyntax.beginsWithTag($0.text)
            }
    }

    private static func starts(of syntax: OutputSyntax) -> [Entry] {
        var entries: [Entry] = []
        if let reasoning = syntax.reasoning { entries.append((reasoning.start, .reasoningStart)) }
        entries += syntax.content.map { ($0.start, .contentStart) }
        // What begins with a head is read as a head.
        let heads = syntax.messageHead?.starts ?? []
        entries.removeAll { entry in heads.contains { entry.text.hasPrefix($0) } }
        return entries + heads.map { ($0, .messageHead) }
    }

    private static func openings(of calls: CallSyntax) -> [Entry] {
        var entries: [Entry] = ([calls.opening] + calls.otherOpenings).map { ($0, .section) }
        // A call's opening may be left without its section, unless it is no marker for itself.
        if core(calls.callOpening).count > 1 { entries.append((calls.callOpening, .call)) }
        return entries
    }

    /// What a message's head ends with; and what shows that its end is missing.
    private static func headEntries(_ syntax: OutputSyntax, _ calls: CallSyntax?) -> [Entry] {
        guard let head = syntax.messageHead else { return [] }
        guard head.others == .markup else { return [(head.end, .messageHead)] }
        var entries: [Entry] = [(head.end, .messageHead)]
        entries += (syntax.reasoning?.ends ?? []).map { ($0, .reasoningEnd) }
        for enclosure in syntax.content { entries += enclosure.ends.map { ($0, .contentEnd) } }
        entries += syntax.ignored.map { ($0, .ignored) }
        if let calls { entries += openings(of: calls).filter { OutputSyntax.beginsWithTag($0.text) } }
        return entries
    }

    /// A literal without the white space around it.
    static func trimmed(_ text: String) -> [UInt8] { Array(Text(text, isTrusted: true).stripped().string.utf8) }

    /// The first part of a literal between white space, unless it is nothing but that.
    static func core(_ text: String) -> [UInt8] { LiteralMatcher.parts(text).first ?? Array(text.utf8) }
}
