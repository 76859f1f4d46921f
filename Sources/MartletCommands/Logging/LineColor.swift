import Logging

/// The colour of a log line on a terminal: errors red, warnings magenta, debugging yellow.
enum LineColor {
    /// The text in the colour of its level. Levels without a colour leave it unchanged.
    /// - Parameter text: A line with its line break, which stays outside the colour.
    static func applied(to text: String, level: Logger.Level?) -> String {
        guard let code = code(of: level) else { return text }
        let content = text.hasSuffix("\n") ? text.dropLast() : text[...]
        return "\u{1B}[\(code)m\(content)\u{1B}[0m" + text.dropFirst(content.count)
    }

    /// The parameter of the escape sequence.
    private static func code(of level: Logger.Level?) -> Int? {
        switch level {
        case .critical, .error: 31
        case .warning: 35
        case .debug, .trace: 33
        case .info, .notice, nil: nil
        }
    }
}
