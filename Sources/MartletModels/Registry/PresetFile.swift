internal import MartletText

/// A file of presets (`--models-preset`), in llama-server's form of an INI file.
///
///     [*]                       ; applies to every section, and to models of the cache and of the folder
///     ctx-size = 8192
///
///     [coder]                   ; the name of a model
///     model = /models/qwen-coder.gguf
///     alias = code
///     n-gpu-layers = 20
///
/// A key is a long flag without dashes, a short flag without its dash, or llama-server's variable. A section inherits
/// the settings of `[*]` and overrides them. Keys before the first section are those of a model named `default`.
package struct PresetFile: Sendable, Equatable {
    /// A section with its own settings, in the file's order.
    package struct Section: Sendable, Equatable {
        package var name: String
        package var settings: [RegisteredModel.Setting]
        /// The line of the section's heading, from 1 on.
        package var line: Int
    }

    /// The file's name.
    package let path: String
    /// The settings of `[*]`.
    package private(set) var shared: [RegisteredModel.Setting] = []
    /// All other sections.
    package private(set) var sections: [Section] = []

    /// Keys that only a preset has, as in llama-server.
    package static let ownKeys = ["load-on-startup", "stop-timeout", "dedup-cache-models", "pinned", "keep-alive"]

    private static let sharedName = "*"
    private static let maximumLineByteCount = 65_536
    private static let maximumSectionCount = 10_000

    /// Parses the text of a file.
    ///
    /// - Parameters:
    ///   - path: the file's name for errors.
    ///   - canonicalKey: the long flag of a spelling, e.g. `ctx-size` for `c` and `LLAMA_ARG_CTX_SIZE`; `nil` for an
    ///     unknown spelling.
    ///   - knownKeys: all long flags, for the nearest one in errors.
    /// - Throws: an error that begins with file and line.
    package init(
        _ text: String, path: String, knownKeys: [String], canonicalKey: (String) -> String?
    ) throws(ModelSourceError) {
        self.path = path
        var current = Section(name: "default", settings: [], line: 0)
        var seen: [ExactString: Int] = [:]
        for (index, line) in text.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).enumerated() {
            let place = "\(path):\(index + 1)"
            guard line.utf8.count <= Self.maximumLineByteCount else {
                throw ModelSourceError("\(place): the line has more than \(Self.maximumLineByteCount) bytes")
            }
            let content = Self.trimmed(Self.withoutComment(line))
            guard let first = content.first else { continue }
            if first == "[" {
                guard content.last == "]" else { throw ModelSourceError("\(place): the section has no ']' at its end") }
                let name = Self.canonicalName(Self.trimmed(content.dropFirst().dropLast()))
                if let rule = ModelName.violation(of: name) {
                    throw ModelSourceError("\(place): the name of the section \(rule)")
                }
                if let earlier = seen.updateValue(index + 1, forKey: ExactString(name)) {
                    throw ModelSourceError("\(place): the section [\(name)] exists already on line \(earlier)")
                }
                append(current)
                guard sections.count < Self.maximumSectionCount else {
                    throw ModelSourceError("\(place): more than \(Self.maximumSectionCount) sections")
                }
                current = Section(name: name, settings: [], line: index + 1)
                continue
            }
            if let setting = try Self.setting(content, place, knownKeys, canonicalKey) {
                guard !current.settings.contains(where: { $0.name.hasSameBytes(as: setting.name) }) else {
                    throw ModelSourceError("\(place): \(setting.name) is set twice in [\(current.name)]")
                }
                current.settings.append(setting)
            }
        }
        append(current)
    }

    /// Appends a finished section. The section before the first heading exists only if it has settings.
    private mutating func append(_ section: Section) {
        if section.name == Self.sharedName {
            shared = section.settings
        } else if section.line > 0 || !section.settings.isEmpty {
            sections.append(section)
        }
    }

    /// Parses `key = value`. The key `version` is reserved and ignored.
    private static func setting(
        _ content: Substring, _ place: String, _ knownKeys: [String], _ canonicalKey: (String) -> String?
    ) throws(ModelSourceError) -> RegisteredModel.Setting? {
        guard let mark = content.firstIndex(of: "=") else {
            throw ModelSourceError("\(place): '\(content.excerpt(bytes: 64))' has no '='; a setting is 'key = value'")
        }
        let key = String(trimmed(content[..<mark]))
        let value = String(trimmed(content[content.index(after: mark)...]))
        guard key != "version" else { return nil }
        guard !value.unicodeScalars.contains("\0") else {
            throw ModelSourceError("\(place): the value of \(key) has the control character 0")
        }
        if ownKeys.containsBytes(of: key) { return RegisteredModel.Setting(key, value) }
        guard let name = canonicalKey(key) else {
            let nearest = EditDistance.nearest(to: key, among: (knownKeys + ownKeys).sorted())
            throw ModelSourceError(
                "\(place): unknown key '\(key.excerpt(bytes: 64))'" + (nearest.map { "; did you mean '\($0)'?" } ?? ""))
        }
        return RegisteredModel.Setting(name, value)
    }

    /// The name with its quantization in upper case: `a/b:q4_0` is `a/b:Q4_0`.
    private static func canonicalName(_ name: Substring) -> String {
        guard let colon = name.lastIndex(of: ":") else { return String(name) }
        return name[...colon] + name[name.index(after: colon)...].uppercased()
    }

    /// The line up to a comment. A comment begins with `;` or `#` at the line's beginning or behind white space.
    private static func withoutComment(_ line: Substring) -> Substring {
        var isBehindSpace = true
        for index in line.indices {
            let character = line[index]
            if isBehindSpace, character == ";" || character == "#" { return line[..<index] }
            isBehindSpace = character.isWhitespace
        }
        return line
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text.drop { $0.isWhitespace }
        while text.last?.isWhitespace == true { text.removeLast() }
        return text
    }
}
