/// A search in the entered lines, from new to old (Ctrl-R).
///
/// Example: with the lines `one`, `two`, `once` the text `on` finds `once`, and another Ctrl-R finds `one`.
struct HistorySearch: Sendable, Equatable {
    /// The text of the line before the search, which comes back if the search is given up.
    let original: [Character]
    /// The text that is searched for.
    private(set) var query = ""
    /// The index of the found line; `nil` = no line contains the text.
    private(set) var found: Int?

    /// A search without text.
    init(original: [Character]) { self.original = original }

    /// Extends the text. The present line stays if it contains the longer text.
    mutating func append(_ character: Character, in history: [String]) {
        query.append(character)
        find(upTo: found ?? history.count - 1, in: history)
    }

    /// Shortens the text and begins again at the newest line.
    mutating func removeLast(in history: [String]) {
        _ = query.popLast()
        find(upTo: history.count - 1, in: history)
    }

    /// Continues with the next older line. The present line stays if there is none.
    mutating func findOlder(in history: [String]) {
        guard let present = found else { return }
        find(upTo: present - 1, in: history)
        if found == nil { found = present }
    }

    /// The text before the input line while the search runs.
    var prompt: String { "(search '\(query)'\(found == nil && !query.isEmpty ? ": nothing" : "")) " }

    /// Searches from `last` to the oldest line.
    /// - Complexity: The length of the history in bytes.
    private mutating func find(upTo last: Int, in history: [String]) {
        found = nil
        guard !query.isEmpty, last >= 0 else { return }
        found = history[...last].lastIndex { $0.contains(query) }
    }
}
