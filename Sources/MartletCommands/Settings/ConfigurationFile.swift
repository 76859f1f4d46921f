/// A file of settings: one `name = value` on each line, where a name is that of a flag without its dashes.
///
/// Lines that begin with `#` or `;` are comments. A value goes to the end of its line as it stands, without the blanks
/// around it; a toggle may stand alone.
struct ConfigurationFile: Equatable {
    struct Entry: Equatable {
        /// Of a flag, without its dashes.
        var name: String
        /// `nil` = the name stands alone.
        var value: String?
        /// Where it stands, for errors: the file's name and the line.
        var source: String
        var line: Int
    }

    private(set) var entries: [Entry] = []

    /// - Parameter path: For errors.
    init(_ text: String, path: String) throws(SettingError) {
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let content = Self.trimmed(line)
            guard let first = content.first, first != "#", first != ";" else { continue }
            let source = "\(path):\(index + 1)"
            guard first != "[" else {
                throw SettingError("\(source): there are no sections, as a file has the settings of one server")
            }
            let parts = content.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = SettingName.normalized(Self.trimmed(parts[0]).drop { $0 == "-" })
            let value = parts.count > 1 ? String(Self.trimmed(parts[1])) : nil
            guard !name.isEmpty else { throw SettingError("\(source): the name of a setting is missing before '='") }
            guard value != "" else {
                throw SettingError("\(source): \(name) needs a value; leave the line out for none")
            }
            entries.append(Entry(name: name, value: value, source: source, line: index + 1))
        }
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
