/// A line that a person entered: a message, or a command that begins with a slash.
///
/// Example: `/temp 0.2` is `.control(.temperature(0.2))`, and `//x` is the message `/x`.
enum ChatInput: Equatable {
    case message(String)
    /// Begins a new conversation.
    case new
    /// Sets the system message; `nil` removes it.
    case system(String?)
    /// Selects a model; `nil` lists the models.
    case model(String?)
    /// Generates another reply to the last message.
    case retry
    case control(ChatControl)
    /// A command with a missing or wrong argument, and a sentence about it.
    case invalid(String)
    case quit
    case help
    /// An empty line.
    case nothing
    case unknownCommand(String)

    /// Parses a line. Blanks at both ends are removed.
    init(line: String) {
        let text = Self.trimmed(line[...])
        guard !text.isEmpty else {
            self = .nothing
            return
        }
        guard text.hasPrefix("/") else {
            self = .message(text)
            return
        }
        if text.hasPrefix("//") {
            self = .message(String(text.dropFirst()))
            return
        }
        let word = text.prefix { !$0.isWhitespace }
        let rest = Self.trimmed(text[word.endIndex...])
        let argument = rest.isEmpty ? nil : rest
        switch word {
        case "/new": self = .new
        case "/system": self = .system(argument)
        case "/model": self = .model(argument)
        case "/retry": self = .retry
        case "/skip": self = .control(.skip)
        case "/pause": self = .control(.pause)
        case "/resume": self = .control(.resume)
        case "/fork": self = .control(.fork)
        case "/rewind": self = .control(.rewind(argument))
        case "/say":
            self = argument.map { .control(.say($0)) } ?? .invalid("/say needs a text, such as /say In short, please.")
        case "/temp":
            if let value = argument.flatMap({ Double($0) }), value.isFinite, value >= 0 {
                self = .control(.temperature(value))
            } else {
                self = .invalid("/temp needs a temperature, such as /temp 0.2")
            }
        case "/quit", "/exit": self = .quit
        case "/help", "/?": self = .help
        default: self = .unknownCommand(String(word))
        }
    }

    /// The text of `/help`, which is also part of `martlet chat --help`.
    static let helpText = """
        /new          begin a new conversation
        /system TEXT  set the system message (without TEXT: remove it)
        /model NAME   use another model (without NAME: list them)
        /retry        generate another response to the last message
        /quit         leave (also Ctrl-D, and Ctrl-C on an empty line)
        Ctrl-C stops a response; its text so far stays in the conversation.
        During a response (a line that begins with / hides the output until it is entered):
        /skip, Esc    end the reasoning
        /pause, /resume
        /temp 0.2     set the temperature
        /say TEXT     insert a message at the end of the sentence
        /rewind TEXT  remove the output from the last TEXT on (without TEXT: all output)
        /fork         generate another version from here on, which is shown afterwards
        """

    /// Removes white space at both ends.
    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
