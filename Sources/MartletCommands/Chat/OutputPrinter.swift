/// The layout of a response in a terminal: dimmed reasoning first, then the content. Pure: returns the text to write.
struct OutputPrinter: Sendable {
    /// The part of the response that was printed last.
    private enum Part {
        case nothing
        case reasoning
        case content
    }

    /// Whether reasoning is printed. Otherwise it is dropped.
    let showsReasoning: Bool
    /// The part that the last printed text belongs to.
    private var part = Part.nothing
    /// Whether the last printed character ends a line.
    private var endsLine = true

    /// The styles of reasoning; none for pipes and with `NO_COLOR`.
    private let style: TerminalStyle

    /// A printer at the beginning of a line.
    init(showsReasoning: Bool, style: TerminalStyle) {
        self.showsReasoning = showsReasoning
        self.style = style
    }

    /// The text to write for an event, with separators and escape sequences between reasoning and content.
    mutating func print(_ event: ChatStreamEvent) -> String {
        switch event {
        case .content(let text):
            let separator = part == .reasoning ? (endsLine ? "" : "\n") + style.reset + "\n" : ""
            part = .content
            return separator + shown(text)
        case .reasoning(let text):
            guard showsReasoning else { return "" }
            let separator = part == .reasoning ? "" : (endsLine ? "" : "\n") + style.dim
            part = .reasoning
            return separator + shown(text)
        case .failed, .began, .loading, .progress, .finished, .ended, .warned, .controlApplied: return ""
        }
    }

    /// The text that ends the response: normal intensity and a line break, if necessary.
    mutating func end() -> String {
        defer {
            part = .nothing
            endsLine = true
        }
        return (part == .reasoning ? style.reset : "") + (endsLine && part != .nothing ? "" : "\n")
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
