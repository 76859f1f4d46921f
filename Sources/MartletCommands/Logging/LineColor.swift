import Logging

/// The colour that a terminal shows a line of the log in.
enum LineColor {
    /// - Parameter text: With its end.
    static func applied(to text: String, level: Logger.Level?) -> String {
        guard let code = code(of: level) else { return text }
        let content = text.hasSuffix("\n") ? text.dropLast() : text[...]
        return "\u{1B}[\(code)m\(content)\u{1B}[0m" + text.dropFirst(content.count)
    }

    private static func code(of level: Logger.Level?) -> Int? {
        switch level {
        case .critical, .error: 31
        case .warning: 35
        case .debug, .trace: 33
        case .info, .notice, nil: nil
        }
    }
}
