/// The text of a chat on the screen: messages, reasoning, content, remarks and errors. Pure.
///
/// Example: `.reasoning("Hm."), .content("Hi."), .remark("stopped")` becomes a dim `Hm.`, an empty line, `Hi.`, and a
/// dim `(stopped)`.
struct ChatTranscript: Sendable {
    /// An entry of the transcript.
    enum Entry: Sendable, Equatable {
        /// A message of the person, which the model responds to next.
        case message(String)
        /// A message or a response of a loaded conversation.
        case earlier(String, isMessage: Bool)
        case content(String)
        case reasoning(String)
        /// The response ends: the next entry begins a line, behind an empty one.
        case responseEnded
        /// Words about the chat, in parentheses.
        case remark(String)
        case error(String)
        /// An answer to a command, with an empty line behind it.
        case line(String)
    }

    /// The part of a response that the last text belongs to.
    private enum Part {
        case none
        case reasoning
        case content
    }

    private let style: TerminalStyle
    private var markdown: MarkdownStyler
    private var part = Part.none
    private var endsLine = true

    /// A transcript at the beginning of a line.
    init(style: TerminalStyle) {
        self.style = style
        markdown = MarkdownStyler(style: style)
    }

    /// The pieces to write for an entry.
    mutating func append(_ entry: Entry) -> [StyledText] {
        var pieces: [StyledText]
        switch entry {
        case .content(let text):
            pieces = part == .reasoning ? endPart() + [StyledText("\n")] : []
            part = .content
            pieces += markdown.append(text)
        case .reasoning(let text):
            pieces = part == .content ? endPart() : []
            part = .reasoning
            pieces.append(StyledText(text, style: style.dim))
        case .responseEnded:
            pieces = endPart() + markdown.finish() + [StyledText("\n")]
        case .message(let text):
            let separator = part == .none ? "" : "\n"
            pieces =
                endPart() + [StyledText(separator), StyledText("> ", style: style.bold), StyledText(text + "\n\n")]
        case .earlier(let text, let isMessage):
            pieces = endPart() + [StyledText((isMessage ? "> " : "") + text + "\n\n", style: style.dim)]
        case .remark(let text): pieces = endPart() + [StyledText("(\(text))\n", style: style.dim)]
        case .error(let text): pieces = endPart() + [StyledText(text + "\n", style: style.error)]
        case .line(let text): pieces = endPart() + [StyledText(text + "\n\n")]
        }
        if let last = pieces.last(where: { !$0.text.isEmpty })?.text.last { endsLine = last.isNewline }
        return pieces
    }

    /// Ends the present part and its line.
    private mutating func endPart() -> [StyledText] {
        var pieces = part == .content ? markdown.flush() : []
        if let last = pieces.last?.text.last { endsLine = last.isNewline }
        if !endsLine { pieces.append(StyledText("\n")) }
        endsLine = true
        part = .none
        return pieces
    }
}
