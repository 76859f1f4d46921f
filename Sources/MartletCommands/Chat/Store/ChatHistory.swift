import MartletFiles
import MartletPlatform

/// The lines that a person entered, stored in `$XDG_STATE_HOME/martlet/chat-history`.
///
/// Errors of the file are ignored: a chat works without a history.
struct ChatHistory {
    /// The maximum number of lines that are loaded. The newest lines count.
    private static let maximumCount = 1000

    /// The bytes at the end of the file that are read. The file grows without a limit.
    private static let maximumByteCount = 1 << 20

    /// The path of the history file. It may not exist yet.
    private let file: FilePath

    /// - Returns: `nil` if neither `XDG_STATE_HOME` nor `HOME` names a folder.
    init?(environment: (String) -> String?) {
        guard let folder = ChatFolder.path(environment: environment) else { return nil }
        file = folder.appending("chat-history")
    }

    /// The stored lines, oldest first; empty if the file cannot be read.
    func load() -> [String] {
        guard let bytes = try? SmallFile.end(of: file.string, upTo: Self.maximumByteCount, for: "history") else {
            return []
        }
        // A damaged byte costs a character and not the history.
        let lines = bytes.split(separator: UInt8(ascii: "\n")).suffix(Self.maximumCount)
        return lines.map { Self.unescaped(String(decoding: $0, as: UTF8.self)) }
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
