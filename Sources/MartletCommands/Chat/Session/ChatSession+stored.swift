extension ChatSession {
    /// The turns of a loaded conversation that are shown.
    static let shownTurnCount = 3
    /// The lines of a message before the last turn that are shown.
    static let shownLineCount = 6
    /// The characters of a message before the last turn that are shown.
    static let shownCharacterCount = 400

    /// Continues a stored conversation and shows its last turns, dimmed, with the number of those before them.
    ///
    /// Messages of the last turn are shown whole, and only the first lines of those before it.
    mutating func adopt(_ stored: Conversation) -> [Effect] {
        let settings = conversation.settings
        conversation = stored
        conversation.settings = settings
        forgetVersions()
        let starts = stored.messages.indices.filter { stored.messages[$0].role == "user" }
        let hidden = starts.dropLast(Self.shownTurnCount).count
        let first = hidden == 0 ? 0 : starts[hidden]
        let last = starts.last ?? 0
        var effects: [Effect] = []
        if hidden > 0 {
            effects.append(.show(.remark(hidden == 1 ? "1 earlier turn" : "\(hidden) earlier turns")))
        }
        for (index, message) in zip(stored.messages.indices, stored.messages) where index >= first {
            let text = index < last ? Self.beginning(of: message.content) : message.content
            effects.append(.show(.earlier(text, isMessage: message.role == "user")))
        }
        return effects
    }

    /// The first lines of a text, at most ``shownCharacterCount`` characters, with the number of the others.
    private static func beginning(of text: String) -> String {
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        // One more line is as short as the words about it.
        let isLong = lines.count > shownLineCount + 1
        let shown = isLong ? lines.prefix(shownLineCount).joined(separator: "\n") : text
        if shown.count > shownCharacterCount { return shown.prefix(shownCharacterCount) + "…" }
        return isLong ? shown + "\n… \(lines.count - shownLineCount) more lines" : text
    }
}
