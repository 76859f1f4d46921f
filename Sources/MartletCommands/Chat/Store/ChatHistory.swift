import MartletFiles
import MartletPlatform

/// The lines that a person entered, stored in `$XDG_STATE_HOME/martlet/chat-history`.
///
/// Errors of the file are ignored: a chat works without a history.
struct ChatHistory {
    /// The maximum number of lines that are loaded. The newest lines count.
    private static let maximumCount = 1000

    /// The path of the history file. It may not exist yet.
    private let file: FilePath

    /// - Returns: `nil` if neither `XDG_STATE_HOME` nor `HOME` names a folder.
    init?(environment: (String) -> String?) {
        guard let folder = ChatFolder.path(environment: environment) else { return nil }
        file = folder.appending("chat-history")
    }

    /// The stored lines, oldest first; empty if the file cannot be read.
    func load() -> [String] {
        guard let text = try? SmallFile.text(file.string, for: "history") else { return [] }
        return text.split(separator: "\n").suffix(Self.maximumCount).map { Self.unescaped($0) }
    }

    /// Appends a line to the file, and creates file and folders if necessary.
    func append(_ line: String) {
        ChatFolder.make(file.removingLastComponent())
        // The file is readable by its owner only, because messages are private.
        guard let file = try? OpenFile.regular(file.string, for: .appendingOrCreating) else { return }
        try? file.append(Array((Self.escaped(line) + "\n").utf8))
    }

    /// The line with `\n` for line breaks and `\\` for backslashes, so that each entry is one line of the file.
    static func escaped(_ line: String) -> String {
        String(line.flatMap { $0 == "\\" ? Array("\\\\") : $0.isNewline ? Array("\\n") : [$0] })
    }

    /// The inverse of ``escaped(_:)``. A backslash before another character is removed.
    static func unescaped(_ line: some StringProtocol) -> String {
        var result = ""
        var isEscape = false
        for character in line {
            if isEscape {
                result.append(character == "n" ? "\n" : character)
                isEscape = false
            } else if character == "\\" {
                isEscape = true
            } else {
                result.append(character)
            }
        }
        return result
    }
}
