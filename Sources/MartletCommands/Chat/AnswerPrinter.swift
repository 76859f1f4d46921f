/// How an answer looks in a terminal: thinking dimmed, before what is said.
struct AnswerPrinter: Sendable {
    private enum Part {
        case nothing
        case thinking
        case content
    }

    private static let dim = "\u{1B}[2m"
    private static let plain = "\u{1B}[0m"

    let showsThinking: Bool
    private var part = Part.nothing
    private var endsLine = true

    init(showsThinking: Bool) { self.showsThinking = showsThinking }

    mutating func print(_ event: AnswerEvent) -> String {
        switch event {
        case .content(let text):
            let separator = part == .thinking ? (endsLine ? "" : "\n") + Self.plain + "\n" : ""
            part = .content
            return separator + shown(text)
        case .thinking(let text):
            guard showsThinking else { return "" }
            let separator = part == .thinking ? "" : (endsLine ? "" : "\n") + Self.dim
            part = .thinking
            return separator + shown(text)
        case .failed, .began, .obeyed: return ""
        }
    }

    /// Ends the answer's last line.
    mutating func end() -> String {
        defer {
            part = .nothing
            endsLine = true
        }
        return (part == .thinking ? Self.plain : "") + (endsLine && part != .nothing ? "" : "\n")
    }

    /// What a model writes is data: it does not get to move the cursor or to set the window's title.
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
