/// Completion of commands, models and conversations (Tab). Pure.
///
/// Example: behind `/mo` the only candidate is `/model `; behind `/model fl` it is `fledgling`.
struct InputCompletion: Sendable, Equatable {
    /// The number of characters before the word to complete.
    var start: Int
    /// The possible words, in alphabetical order.
    var candidates: [String]

    /// The candidates for the text before the cursor; `nil` if nothing is completed there.
    init?(before text: [Character], models: [String], conversations: [String]) {
        guard text.first == "/", !text.contains("\n") else { return nil }
        let word = String(text.prefix { $0 != " " })
        guard word.count < text.count else {
            start = 0
            candidates = ChatInput.commands.filter { $0.hasPrefix(word) }
            return
        }
        let words: [String]
        switch word {
        case "/model": words = models
        case "/load", "/save": words = conversations
        case "/set": words = Self.settings
        default: return nil
        }
        let blanks = text[word.count...].prefix { $0 == " " }.count
        start = word.count + blanks
        let typed = String(text[start...])
        candidates = words.filter { $0.hasPrefix(typed) }.sorted()
    }

    /// Settings of a request that many people change.
    private static let settings = [
        "frequency_penalty", "max_tokens", "min_p", "presence_penalty", "repeat_penalty", "seed", "stop", "system",
        "temperature", "top_k", "top_p",
    ]

    /// The text that all candidates begin with; a single candidate has a blank behind it.
    var insertion: String? {
        guard let first = candidates.first else { return nil }
        if candidates.count == 1 { return first + " " }
        var common = first
        for candidate in candidates.dropFirst() {
            while !candidate.hasPrefix(common) { common.removeLast() }
        }
        return common
    }
}
