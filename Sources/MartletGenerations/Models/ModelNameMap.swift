/// The operator's table that maps the names of models in requests to names of this server.
///
/// Example: `claude-*=qwen3,gpt-4o=qwen3-small` lets a client of another provider keep its names. A pattern is a name,
/// or the beginning of a name before `*`. The first pattern that matches counts; other names stay as they are.
package struct ModelNameMap: Sendable, Equatable {
    private struct Entry: Sendable, Equatable {
        var name: String
        var isBeginning: Bool
        var target: String
    }
    private var entries: [Entry] = []

    /// A map that changes no name.
    package init() {}

    /// Reads the text of the flag: entries `PATTERN=NAME`, separated by commas.
    /// - Returns: nil if an entry lacks its pattern, its name or its sign, or has a `*` before the end.
    package init?(_ text: String) {
        for part in text.split(separator: ",") {
            let words = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard words.count == 2, !words[0].isEmpty, !words[1].isEmpty else { return nil }
            let isBeginning = words[0].last == "*"
            let name = isBeginning ? words[0].dropLast() : words[0]
            guard !name.contains("*") else { return nil }
            entries.append(Entry(name: String(name), isBeginning: isBeginning, target: String(words[1])))
        }
    }

    /// The name of this server for a name in a request. Complexity: O(entries).
    package func target(of name: String) -> String {
        entries.first { entry in
            entry.isBeginning ? name.utf8.starts(with: entry.name.utf8) : name.utf8.elementsEqual(entry.name.utf8)
        }?.target ?? name
    }
}
