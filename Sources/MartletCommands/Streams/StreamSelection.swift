import MartletAPI
import MartletStreams
import MartletText

/// The generation that a person names on the command line. Pure.
///
/// Example: `resp_3f0c5a4be1d24f7f9d4f0c55ab8d7e21`, `3f0c5a4be1d24f7f9d4f0c55ab8d7e21`, `3f0c` and the label `notes`
/// may all mean one generation.
enum StreamSelection: Equatable {
    case id(String)
    /// No generation or several ones match; a sentence about it.
    case invalid(String)

    /// The shortest beginning of an id that counts.
    private static let minimumPrefix = 4

    /// Chooses by id first, then by label (the newest generation with it), then by the beginning of an id.
    /// - Parameters:
    ///   - ids: All ids, oldest first.
    ///   - label: Reads the label of a generation; `nil` = it has none. Called only if no id is equal.
    static func id(of name: String, ids: [String], label: (String) -> String?) -> Self {
        // Only the prefixes of dialects are left out: `notes-3f0c` is a label, and must not mean another generation.
        let lowered = name.lowercased()
        let prefixes = Dialect.all.map(\.idPrefix).filter { lowered.hasPrefix($0) }
        let digits = String(lowered.dropFirst(prefixes.map(\.count).max() ?? 0))
        if ids.contains(digits) { return .id(digits) }
        if let id = ids.last(where: { label($0)?.hasSameBytes(as: name) == true }) { return .id(id) }
        let isPrefix = digits.count >= minimumPrefix && digits.allSatisfy { $0.isASCII && $0.isHexDigit }
        let found = isPrefix ? ids.filter { $0.hasPrefix(digits) } : []
        if found.count == 1, let id = found.first { return .id(id) }
        guard found.isEmpty else {
            return .invalid(
                "\(found.count) generations begin with \(digits): \(found.prefix(5).joined(separator: ", "))")
        }
        return .invalid(
            "there is no generation '\(name.printable)'; an id, at least \(minimumPrefix) digits of its beginning, or a "
                + "label is needed, and 'martlet streams ls' lists all")
    }
}
