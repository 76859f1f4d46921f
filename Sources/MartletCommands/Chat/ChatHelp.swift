/// The text of `/help`, in lines that fit a terminal of any width. Pure.
///
/// Example: with 40 columns the description of a command wraps below its own beginning and not below the command.
enum ChatHelp {
    /// A line of the help.
    private enum Line {
        /// Commands and their effect.
        case command(String, String)
        case sentence(String)
    }

    /// The column at which descriptions begin.
    private static let indent = 14

    private static let lines: [Line] = [
        .command("/new, /clear", "begin a new conversation"),
        .command("/system TEXT", "set the system message (without TEXT: remove it)"),
        .command("/model NAME", "use another model (without NAME: list them)"),
        .command("/retry", "generate another response to the last message"),
        .command(
            "/list, /load NAME, /save NAME", "conversations: list, continue (without NAME: the newest), name"),
        .command("/set NAME VALUE", "a setting of requests, such as /set max_tokens 200 (without NAME: list them)"),
        .command("/quit, /bye", "leave (also Ctrl-D, and Ctrl-C twice on an empty line)"),
        .sentence("Ctrl-C stops a response; its text so far stays in the conversation."),
        .sentence(
            #"A new line in a message: \ at the end of the line, Alt-Enter, or """ before and behind the message."#),
        .sentence("Keys: Tab completes, Ctrl-R searches earlier lines, Ctrl-Z suspends."),
        .sentence("Also during a response:"),
        .command("/skip, Esc", "end the reasoning"),
        .command("/pause, /resume", "stop for a while, and go on"),
        .command("/temp 0.2", "set the temperature"),
        .command("/say TEXT", "insert a message at the end of the sentence"),
        .command("/rewind TEXT", "remove the output from the last TEXT on (without TEXT: all output)"),
        .command("/fork", "generate another version from here on; /keep 2 continues with it afterwards"),
    ]

    /// The help without a line break at its end. A word that is longer than a line stays whole.
    /// - Parameter columns: The width of the terminal.
    static func text(columns: Int) -> String {
        lines.map { line in
            switch line {
            case .sentence(let text): wrapped(text, columns, indent: 0)
            case .command(let name, let text):
                name.count < indent
                    ? name + wrapped(text, columns, indent: indent).dropFirst(name.count)
                    : name + "\n" + wrapped(text, columns, indent: indent)
            }
        }.joined(separator: "\n")
    }

    /// The words in lines that begin with `indent` blanks. The last column stays free: some terminals wrap there.
    private static func wrapped(_ text: String, _ columns: Int, indent: Int) -> String {
        let start = String(repeating: " ", count: indent)
        var lines = [start]
        for word in text.split(separator: " ") {
            let isEmpty = lines[lines.count - 1].count == indent
            if !isEmpty, lines[lines.count - 1].count + 1 + word.count >= columns {
                lines.append(start + word)
            } else {
                lines[lines.count - 1] += (isEmpty ? "" : " ") + word
            }
        }
        return lines.joined(separator: "\n")
    }
}
