/// The layout of a response in a terminal: dimmed reasoning first, then the content. Pure: returns the text to write.
struct OutputPrinter: Sendable {
    /// The part of the response that was printed last.
    private enum Part {
        case nothing
        case reasoning
        case content
    }

    /// The escape sequence that dims the text.
    private static let dim = "\u{1B}[2m"
    /// The escape sequence that ends all styles.
    private static let plain = "\u{1B}[0m"

    /// Whether reasoning is printed. Otherwise it is dropped.
    let showsReasoning: Bool
    /// The part that the last printed text belongs to.
    private var part = Part.nothing
    /// Whether the last printed character ends a line.
    private var endsLine = true

    /// A printer at the beginning of a line.
    init(showsReasoning: Bool) { self.showsReasoning = showsReasoning }

    /// The text to write for an event, with separators and escape sequences between reasoning and content.
    mutating func print(_ event: ChatStreamEvent) -> String {
        switch event {
        case .content(let text):
            let separator = part == .reasoning ? (endsLine ? "" : "\n") + Self.plain + "\n" : ""
            part = .content
            return separator + shown(text)
        case .reasoning(let text):
            guard showsReasoning else { return "" }
            let separator = part == .reasoning ? "" : (endsLine ? "" : "\n") + Self.dim
            part = .reasoning
            return separator + shown(text)
        case .failed, .began, .controlApplied: return ""
        }
    }

    /// The text that ends the response: normal intensity and a line break, if necessary.
    mutating func end() -> String {
        defer {
            part = .nothing
            endsLine = true
        }
        return (part == .reasoning ? Self.plain : "") + (endsLine && part != .nothing ? "" : "\n")
    }

    /// The text without control characters. Output is data: it must not move the cursor or set the window's title.
    private mutating func shown(_ text: String) -> String {
        let safe = String(
            String.UnicodeScalarView(
                text.unicodeScalars.filter { scalar in
                    scalar == "\n" || scalar == "\t" || !(scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value))
                }))
        if let last = safe.last { endsLine = last.isNewline }
        return safe
    }
}
