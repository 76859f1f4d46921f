/// A file of settings with `name = value` in each line. The name is a flag without its dashes.
///
/// Example:
///
///     # The model and its context
///     model = /models/a.gguf
///     ctx-size = 8192
///     no-metrics
///
/// Sections of models may follow (`[name]`), in the form of presets (`PresetFile`).
///
/// Lines that begin with `#` or `;` are comments. A value extends to the end of its line, without the blanks at both
/// ends; it has no quotes and no comment behind it. A toggle needs no value.
struct ConfigurationFile: Equatable {
    /// A line with a setting.
    struct Entry: Equatable {
        /// The flag without its dashes; underscores are dashes.
        var name: String
        /// `nil` = the name stands alone.
        var value: String?
        /// File and line for errors, e.g. `martlet.conf:3`.
        var source: String
        var line: Int
    }

    /// The settings of the server, before the first section.
    private(set) var entries: [Entry] = []
    /// The sections, behind as many line breaks as there are lines before them, so that errors have the file's lines; `nil` =
    /// there is none.
    private(set) var sections: String?

    /// Parses the text of a file. Whether a name exists is checked later, see ``SettingParser``.
    /// - Parameter path: The file's name for errors.
    /// - Throws: If a line before the sections has no name, or has an equals sign without a value.
    init(_ text: String, path: String) throws(SettingError) {
        let lines = text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
        for (index, line) in lines.enumerated() {
            let content = Self.trimmed(line)
            guard let first = content.first, first != "#", first != ";" else { continue }
            let source = "\(path):\(index + 1)"
            guard first != "[" else {
                sections = String(repeating: "\n", count: index) + lines[index...].joined(separator: "\n")
                return
            }
            let parts = content.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            let name = SettingName.normalized(Self.trimmed(parts[0]).drop { $0 == "-" })
            let value = parts.count > 1 ? String(Self.trimmed(parts[1])) : nil
            guard !name.isEmpty else { throw SettingError("\(source): the name of a setting is missing before '='") }
            guard value != "" else {
                throw SettingError("\(source): \(name) needs a value; remove the line to leave the setting unset")
            }
            entries.append(Entry(name: name, value: value, source: source, line: index + 1))
        }
    }

    /// Removes white space at both ends.
    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
