import MartletJinja

/// What a reader of answers needs of an `ChatFormat`, made once.
final class ChatFormatPlan: Sendable {
    /// What a delimiter in an answer's text means.
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
    /// Delimiters of one state, and what each means.
    struct DelimiterSet: Sendable {
        var automaton: DelimiterAutomaton
        var roles: [Role]

        init(_ entries: [(text: String, role: Role)]) {
            var texts: [[UInt8]] = []
            var roles: [Role] = []
            for (text, role) in entries {
                var bytes = role == .section || role == .call ? ChatFormatPlan.core(text) : ChatFormatPlan.trimmed(text)
                // The end of a line ends some heads.
                if bytes.isEmpty { bytes = Array(text.utf8) }
                guard !bytes.isEmpty, !texts.contains(bytes) else { continue }
                texts.append(bytes)
                roles.append(role)
            }
            automaton = DelimiterAutomaton(texts)
            self.roles = roles
        }
    }

    let format: ChatFormat
    let content: DelimiterSet
    let reasoning: DelimiterSet
    let messageHeadEnd: DelimiterSet
    let calls: ToolCallPlan?

    /// - Parameter readsCalls: Whether tool calls are looked for; otherwise they are text.
    init(_ format: ChatFormat, readsCalls: Bool) {
        self.format = format
        let calls = readsCalls ? format.calls : nil
        content = DelimiterSet(Self.contentEntries(format, calls))
        reasoning = DelimiterSet(Self.reasoningEntries(format, calls))
        messageHeadEnd = DelimiterSet(Self.headEntries(format, calls))
        self.calls = calls.map(ToolCallPlan.init)
    }

    private typealias Entry = (text: String, role: Role)

    private static func contentEntries(_ format: ChatFormat, _ calls: ToolCallFormat?) -> [Entry] {
        var entries: [Entry] = starts(of: format)
        for enclosure in format.content { entries += enclosure.ends.map { ($0, .contentEnd) } }
        if let calls { entries += openings(of: calls) }
        entries += format.ignored.map { ($0, .ignored) }
        // Behind the others, as what ends thinking may end text, too.
        entries += (format.reasoning?.ends ?? []).map { ($0, .reasoningEnd) }
        entries += format.strayDelimiters.map { ($0, .stray) }
        if let calls {
            entries += calls.strayDelimiters.map { ($0, ChatFormat.isUnmistakable($0) ? .stray : .inner) }
        }
        return entries
    }

    /// What thinking is left by, beside its end: a head, the answer's text, or a call.
    private static func reasoningEntries(_ format: ChatFormat, _ calls: ToolCallFormat?) -> [Entry] {
        let ends: [Entry] = (format.reasoning?.ends ?? []).map { ($0, .reasoningEnd) }
        return ends
            + (starts(of: format) + (calls.map(openings) ?? [])).filter {
                $0.role == .messageHead || ChatFormat.beginsWithTag($0.text)
            }
    }

    private static func starts(of format: ChatFormat) -> [Entry] {
        var entries: [Entry] = []
        if let reasoning = format.reasoning { entries.append((reasoning.start, .reasoningStart)) }
        entries += format.content.map { ($0.start, .contentStart) }
        // What begins with a head is read as a head.
        let heads = format.messageHead?.starts ?? []
        entries.removeAll { entry in heads.contains { entry.text.hasPrefix($0) } }
        return entries + heads.map { ($0, .messageHead) }
    }

    private static func openings(of calls: ToolCallFormat) -> [Entry] {
        var entries: [Entry] = ([calls.opening] + calls.otherOpenings).map { ($0, .section) }
        // A call's opening may be left without its section, unless it is no delimiter for itself.
        if core(calls.callOpening).count > 1 { entries.append((calls.callOpening, .call)) }
        return entries
    }

    /// What a message's head ends with; and what shows that its end is missing.
    private static func headEntries(_ format: ChatFormat, _ calls: ToolCallFormat?) -> [Entry] {
        guard let head = format.messageHead else { return [] }
        guard head.others == .discarded else { return [(head.end, .messageHead)] }
        var entries: [Entry] = [(head.end, .messageHead)]
        entries += (format.reasoning?.ends ?? []).map { ($0, .reasoningEnd) }
        for enclosure in format.content { entries += enclosure.ends.map { ($0, .contentEnd) } }
        entries += format.ignored.map { ($0, .ignored) }
        if let calls { entries += openings(of: calls).filter { ChatFormat.beginsWithTag($0.text) } }
        return entries
    }

    /// A literal without the white space around it.
    static func trimmed(_ text: String) -> [UInt8] {
        Array(ProvenanceText(text, isTrusted: true).stripped().string.utf8)
    }

    /// The first part of a literal between white space, unless it is nothing but that.
    static func core(_ text: String) -> [UInt8] { LiteralMatcher.parts(text).first ?? Array(text.utf8) }
}
