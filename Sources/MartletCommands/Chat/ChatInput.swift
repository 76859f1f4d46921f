import MartletJSON
import MartletText

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
    /// A change of the running response. Some changes also apply between responses.
    case control(ChatControl)
    /// Lists the settings of requests.
    case settings
    /// Stores the conversation under a name; `nil` = its present name.
    case save(String?)
    /// Continues a stored conversation; `nil` = the newest.
    case load(String?)
    /// Lists the stored conversations.
    case list
    /// Continues with a version of a forked response, counted from 1.
    case keep(Int)
    /// A command with a missing or wrong argument, and a sentence about it.
    case invalid(String)
    case quit
    case help
    /// An empty line.
    case nothing
    /// An unknown command, with the nearest one.
    case unknownCommand(String, nearest: String?)

    /// All commands, for completion and for the nearest one.
    static let commands = [
        "/bye", "/clear", "/exit", "/fork", "/help", "/keep", "/list", "/load", "/model", "/new", "/pause", "/quit",
        "/resume", "/retry", "/rewind", "/save", "/say", "/set", "/skip", "/system", "/temp",
    ]
    /// The spellings of other programs for settings of a request.
    private static let settingAliases = [
        "num_predict": "max_tokens", "temp": "temperature", "repeat": "repeat_penalty",
    ]

    /// The fields of a request that a chat needs as they are: without a stream it would show nothing.
    private static let ownFields: Set<String> = ["messages", "model", "stream", "return_progress", "n"]

    /// Parses a line. Blanks at both ends are removed, and the quotes `"""` around a message.
    init(line: String) {
        let text = Self.trimmed(line[...])
        guard !text.isEmpty else {
            self = .nothing
            return
        }
        guard text.hasPrefix("/") else {
            self = .message(Self.unquoted(text))
            return
        }
        if text.hasPrefix("//") {
            self = .message(String(text.dropFirst()))
            return
        }
        let word = text.prefix { !$0.isWhitespace }
        let rest = Self.trimmed(text[word.endIndex...])
        self = Self.command(String(word), argument: rest.isEmpty ? nil : Self.unquoted(rest))
    }

    /// The command of a word that begins with a slash.
    private static func command(_ word: String, argument: String?) -> ChatInput {
        switch word {
        case "/new", "/clear": .new
        case "/system": .system(argument)
        case "/model": .model(argument)
        case "/retry": .retry
        case "/skip": .control(.skip)
        case "/pause": .control(.pause)
        case "/resume": .control(.resume)
        case "/fork": .control(.fork)
        case "/rewind": .control(.rewind(argument))
        case "/say":
            argument.map { .control(.say($0)) } ?? .invalid("/say needs a text, such as /say In short, please.")
        case "/temp": temperature(argument)
        case "/set": setting(argument)
        case "/save": .save(argument)
        case "/load": .load(argument)
        case "/list": .list
        case "/keep":
            argument.flatMap { Int($0) }.map { .keep($0) }
                ?? .invalid("/keep needs the number of a version, such as /keep 2")
        case "/quit", "/exit", "/bye": .quit
        case "/help", "/?": .help
        default: .unknownCommand(word, nearest: NearestWord.find(word, among: commands))
        }
    }

    private static func temperature(_ argument: String?) -> ChatInput {
        guard let value = argument.flatMap({ Double($0) }), value.isFinite, value >= 0 else {
            return .invalid("/temp needs a temperature, such as /temp 0.2")
        }
        return .control(.temperature(value))
    }

    /// `/set NAME VALUE`, `/set system TEXT`, and `/set parameter NAME VALUE` as in Ollama. A value is JSON if possible.
    private static func setting(_ argument: String?) -> ChatInput {
        guard let argument else { return .settings }
        var words = argument.split(maxSplits: 2, whereSeparator: \.isWhitespace).map(String.init)
        if words.first == "parameter" {
            words = argument.split(maxSplits: 3, whereSeparator: \.isWhitespace).dropFirst().map(String.init)
        }
        guard let first = words.first else { return .invalid("/set needs a name, such as /set temperature 0.2") }
        let value = words.dropFirst().joined(separator: " ")
        if first == "system" { return .system(value.isEmpty ? nil : value) }
        let name = settingAliases[first] ?? first
        guard !ownFields.contains(name) else {
            return .invalid("/set cannot change \(name), which the chat itself sets")
        }
        guard !value.isEmpty else { return .control(.set(name, nil)) }
        return .control(.set(name, (try? JSONParser.parse(Array(value.utf8))) ?? .string(value)))
    }

    /// Removes white space at both ends.
    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }

    /// The text between `"""` and `"""`; other text as it is.
    private static func unquoted(_ text: String) -> String {
        let quotes = LineEditor.quotes
        guard text.count >= 2 * quotes.count, text.hasPrefix(quotes), text.hasSuffix(quotes) else { return text }
        return trimmed(text.dropFirst(quotes.count).dropLast(quotes.count))
    }
}
