/// A line that a person entered.
enum ChatInput: Equatable {
    case message(String)
    case new
    /// `nil` removes it.
    case system(String?)
    /// `nil` lists the models.
    case model(String?)
    case retry
    case control(ChatControl)
    /// A command whose argument is missing or wrong: one sentence.
    case invalid(String)
    case quit
    case help
    case nothing
    case unknownCommand(String)

    /// A line that begins with `/` is a command; `//` begins a message with one slash.
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
        case "/say": self = argument.map { .control(.say($0)) } ?? .invalid("/say needs what you want to say")
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

    static let helpText = """
        /new          begin a new conversation
        /system TEXT  set the system message (without TEXT: remove it)
        /model NAME   use another model (without NAME: list them)
        /retry        answer the last message again
        /quit         leave (so do Ctrl-D and Ctrl-C on an empty line)
        Ctrl-C stops an answer; what was written of it stays in the conversation.
        While an answer is written (a line that begins with / holds it back until it is entered):
        /skip, Esc    end the thinking
        /pause, /resume
        /temp 0.2     set the temperature
        /say TEXT     say something at the end of the sentence
        /rewind TEXT  go back to the last place that reads so (without TEXT: to the beginning)
        /fork         write another version from here on, which is shown afterwards
        """

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
