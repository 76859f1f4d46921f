import MartletFiles
import MartletPlatform

/// The lines that a person entered, kept from one chat to the next in `$XDG_STATE_HOME/martlet/chat-history`.
///
/// That it cannot be read or written is no reason not to chat.
struct ChatHistory {
    /// Most lines that are read, the newest ones.
    private static let maximumCount = 1000

    private let file: FilePath

    /// - Returns: `nil` when there is no home.
    init?(environment: (String) -> String?) {
        let state: FilePath
        if let path = environment("XDG_STATE_HOME"), path.hasPrefix("/") {
            state = FilePath(path)
        } else if let home = environment("HOME"), !home.isEmpty {
            state = FilePath(home).appending(".local").appending("state")
        } else {
            return nil
        }
        file = state.appending("martlet").appending("chat-history")
    }

    /// Oldest first.
    func load() -> [String] {
        guard let text = try? SmallFile.text(file.string, for: "history") else { return [] }
        return text.split(separator: "\n").suffix(Self.maximumCount).map { Self.unescaped($0) }
    }

    func append(_ line: String) {
        makeFolders()
        // Only its owner may read what a person asked.
        guard let file = try? OpenFile.regular(file.string, for: .appendingOrCreating) else { return }
        try? file.append(Array((Self.escaped(line) + "\n").utf8))
    }

    private func makeFolders() {
        var folders: [FilePath] = []
        var folder = file.removingLastComponent()
        while !folder.isEmpty, access(folder.string, F_OK) != 0 {
            folders.append(folder)
            folder = folder.removingLastComponent()
        }
        for folder in folders.reversed() { mkdir(folder.string, 0o700) }
    }

    static func escaped(_ line: String) -> String {
        String(line.flatMap { $0 == "\\" ? Array("\\\\") : $0.isNewline ? Array("\\n") : [$0] })
    }

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
