import MartletJSON

extension Setting.Kind {
    /// Whether several values of one source are combined. Otherwise the last value counts.
    var addsUp: Bool {
        switch self {
        case .list, .texts: true
        default: false
        }
    }

    /// Parses the texts of a setting.
    /// - Parameter texts: One text, or several if ``addsUp``.
    /// - Returns: `nil` if a text breaks the setting's ``Setting/rule``.
    func value(of texts: [String]) -> SettingValues.Value? {
        if case .list = self {
            // An empty list is an error: an empty list of keys would admit requests without a key.
            let items = texts.flatMap(Self.items)
            return items.isEmpty || texts.contains { Self.items($0).isEmpty } ? nil : .list(items)
        }
        if case .texts = self { return texts.contains("") ? nil : .list(texts) }
        guard let text = texts.last else { return nil }
        switch self {
        case .toggle:
            switch Switch(text) {
            case .on?: return .toggle(true)
            case .off?: return .toggle(false)
            default: return nil
            }
        case .onOffAuto: return Switch(text).map { .text($0.rawValue) }
        case .text: return text.isEmpty ? nil : .text(text)
        case .anyText: return .text(text)
        case .integer(let range): return Int64(text).flatMap { range.contains($0) ? .integer($0) : nil }
        case .integerOrWord(let range, let words):
            if let value = words[text] { return .integer(value) }
            return Int64(text).flatMap { range.contains($0) ? .integer($0) : nil }
        case .number(let range): return Double(text).flatMap { range.contains($0) ? .number($0) : nil }
        case .bounds(let range):
            let parts = text.split { $0 == " " || $0 == "," }
            let numbers = parts.compactMap { Int64($0) }
            guard parts.count == 2, numbers.count == 2, numbers[0] <= numbers[1], range.contains(numbers[0]),
                range.contains(numbers[1])
            else { return nil }
            return .bounds(numbers[0]...numbers[1])
        case .choice(let words): return words.contains(text) ? .text(text) : nil
        case .object:
            return (try? JSONParser.parse(Array(text.utf8))).flatMap { $0.objectValue == nil ? nil : .object($0) }
        case .list, .texts: return nil
        }
    }

    /// The items of a list with commas between them, without blanks at both ends. Empty items are left out.
    ///
    /// Text in double quotes keeps its commas and blanks. Two double quotes within it are one: `"a,b","c ""d"""` has
    /// the items `a,b` and `c "d"`.
    private static func items(_ text: String) -> [String] {
        var items: [String] = []
        var item = ""
        var isQuoted = false
        var wasQuoted = false
        var rest = text[...]
        func finish() {
            let trimmed = wasQuoted ? item : trimmed(item)
            if !trimmed.isEmpty { items.append(trimmed) }
            (item, wasQuoted) = ("", false)
        }
        while let character = rest.popFirst() {
            switch character {
            case "\"" where isQuoted && rest.first == "\"": item.append(rest.removeFirst())
            case "\"" where isQuoted: isQuoted = false
            case "\"" where trimmed(item).isEmpty && !wasQuoted: (item, isQuoted, wasQuoted) = ("", true, true)
            case "," where !isQuoted: finish()
            case " " where wasQuoted && !isQuoted: break
            default: item.append(character)
            }
        }
        finish()
        return items
    }

    /// Removes blanks at both ends.
    private static func trimmed(_ text: String) -> String {
        var text = text[...]
        while text.first == " " { text.removeFirst() }
        while text.last == " " { text.removeLast() }
        return String(text)
    }
}
