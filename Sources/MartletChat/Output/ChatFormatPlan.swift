import MartletJinja

/// A `ChatFormat` compiled for the output parser: the delimiters that have a meaning in each state.
///
/// Immutable and shared by all parsers of a model. `PreparedChatFormat` makes two: with and without tool calls.
final class ChatFormatPlan: Sendable {
    /// The meaning of a delimiter in the output.
    enum Role: Sendable, Equatable {
        case reasoningStart
        case reasoningEnd
        case contentStart
        case contentEnd
        case messageHead
        case ignored
        /// Begins a section of calls.
        case section
        /// Begins a call outside a section.
        case call
        /// Belongs to a delimiter that is missing. It is removed.
        case stray
        /// Like `stray`, but only next to calls. Ordinary text may contain it: `</function>`.
        case inner
    }
    /// The delimiters of one state of the parser, with a role for each.
    struct DelimiterSet: Sendable {
        var automaton: DelimiterAutomaton
        var roles: [Role]

        /// - Parameter entries: delimiters with roles. Of equal texts the first counts, so the order decides
        ///   conflicts. Calls match by their first part, as the rest may differ in white space.
        init(_ entries: [(text: String, role: Role)]) {
            var texts: [[UInt8]] = []
            var roles: [Role] = []
            for (text, role) in entries {
                var bytes = role == .section || role == .call ? ChatFormatPlan.core(text) : ChatFormatPlan.trimmed(text)
                // For some heads the delimiter is a line feed, so trimming would leave nothing.
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
    /// Delimiters within content.
    let content: DelimiterSet
    /// Delimiters within a value of a response schema: what may follow the value.
    let value: DelimiterSet
    /// Delimiters within reasoning.
    let reasoning: DelimiterSet
    /// Delimiters within the head of a message.
    let messageHeadEnd: DelimiterSet
    /// The compiled tool calls; nil = calls are text.
    let calls: ToolCallPlan?

    /// - Parameter readsCalls: whether the parser looks for tool calls. Otherwise they are text.
    init(_ format: ChatFormat, readsCalls: Bool) {
        self.format = format
        let calls = readsCalls ? format.calls : nil
        content = DelimiterSet(Self.contentEntries(format, calls))
        value = DelimiterSet(
            Self.contentEntries(format, calls).filter { $0.role == .contentEnd || $0.role == .ignored })
        reasoning = DelimiterSet(Self.reasoningEntries(format, calls))
        messageHeadEnd = DelimiterSet(Self.headEntries(format, calls))
        self.calls = calls.map(ToolCallPlan.init)
    }

    private typealias Entry = (text: String, role: Role)

    /// The delimiters of content, the more specific roles first.
    private static func contentEntries(_ format: ChatFormat, _ calls: ToolCallFormat?) -> [Entry] {
        var entries: [Entry] = starts(of: format)
        for enclosure in format.content { entries += enclosure.ends.map { ($0, .contentEnd) } }
        if let calls { entries += openings(of: calls) }
        entries += format.ignored.map { ($0, .ignored) }
        // After the others: in some formats one text ends both reasoning and content, and within content it ends
        // content.
        entries += (format.reasoning?.ends ?? []).map { ($0, .reasoningEnd) }
        entries += format.strayDelimiters.map { ($0, .stray) }
        if let calls {
            entries += calls.strayDelimiters.map { ($0, ChatFormat.isUnmistakable($0) ? .stray : .inner) }
        }
        return entries
    }

    /// The delimiters that end reasoning: its own end, a message head, the start of content, or a call.
    private static func reasoningEntries(_ format: ChatFormat, _ calls: ToolCallFormat?) -> [Entry] {
        let ends: [Entry] = (format.reasoning?.ends ?? []).map { ($0, .reasoningEnd) }
        return ends
            + (starts(of: format) + (calls.map(openings) ?? [])).filter {
                $0.role == .messageHead || ChatFormat.beginsWithTag($0.text)
            }
    }

    /// The delimiters that begin reasoning, content or a head.
    private static func starts(of format: ChatFormat) -> [Entry] {
        var entries: [Entry] = []
        if let reasoning = format.reasoning { entries.append((reasoning.start, .reasoningStart)) }
        entries += format.content.map { ($0.start, .contentStart) }
        // A delimiter that begins with a head is recognised as a head; the head's words decide its meaning.
        let heads = format.messageHead?.starts ?? []
        entries.removeAll { entry in heads.contains { entry.text.hasPrefix($0) } }
        return entries + heads.map { ($0, .messageHead) }
    }

    /// The delimiters that begin calls: of a section, and of a call without its section.
    private static func openings(of calls: ToolCallFormat) -> [Entry] {
        var entries: [Entry] = ([calls.opening] + calls.otherOpenings).map { ($0, .section) }
        // Models may omit the section around a call. A call opening of one byte is too short to recognise a call by.
        if core(calls.callOpening).count > 1 { entries.append((calls.callOpening, .call)) }
        return entries
    }

    /// The delimiter that ends a head, and delimiters that show that this end is missing.
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

    /// The bytes of a literal without white space at its ends.
    static func trimmed(_ text: String) -> [UInt8] {
        Array(ProvenanceText(text, isTrusted: true).stripped().string.utf8)
    }

    /// The bytes of a literal up to its first white space; for white space only, the literal itself.
    static func core(_ text: String) -> [UInt8] { LiteralMatcher.parts(text).first ?? Array(text.utf8) }
}
