/// The methods of Python's `str` that templates may call.
///
/// Left out: `encode` and `maketrans`, which need other types, and `format_map`, which Jinja's sandbox treats
/// specially. Positions and lengths count code points.
enum TextMethod: String, Sendable {
    case capitalize, center, count, endswith, find, format, index, isalnum, isalpha, isdecimal, isdigit
    case islower, isnumeric, isspace, istitle, isupper, join, ljust, lower, lstrip, partition, removeprefix
    case removesuffix, replace, rfind, rindex, rjust, rpartition, rsplit, rstrip, split, splitlines, startswith
    case strip, swapcase, title, upper, zfill
}

extension Interpreter {
    /// Calls a method of a string.
    ///
    ///     "a,b".split(",")       ["a", "b"]        " x ".strip()          "x"
    ///     "abc".find("c")        2                 "abc".partition("b")   ("a", "b", "c")
    ///     "ab".center(5, "*")    "**ab*"           "-5".zfill(4)          "-005"
    ///
    /// Each part of the result retains its provenance. Counts and positions depend on the client's text, so they are
    /// untrusted.
    /// - Throws: Python's errors; `budget` before a large result is made.
    func call(_ method: TextMethod, of text: ProvenanceText, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        try spend(bytes: text.byteCount)
        switch method {
        case .upper: return .text(text.uppercased())
        case .lower: return .text(text.lowercased())
        case .capitalize: return .text(text.capitalized())
        case .title: return .text(text.titled())
        case .swapcase: return .text(text.swappingCase())
        case .strip, .lstrip, .rstrip: return try strip(method, text, arguments)
        case .split, .rsplit: return try split(method, text, arguments)
        case .splitlines:
            let keep = try bind(arguments, ["keepends"], of: method.rawValue)[0]?.isTrue ?? false
            return try makeList(text.lines(keepingEnds: keep).map(TemplateValue.text))
        case .startswith, .endswith: return .boolean(try hasAffix(method, text, arguments))
        case .removeprefix, .removesuffix:
            let affix = try self.text(
                try only(arguments, "affix", of: method.rawValue), default: .empty, of: method.rawValue)
            if method == .removeprefix {
                return .text(text.hasPrefix(affix) ? text.slice(affix.byteCount..<text.byteCount) : text)
            }
            return .text(text.hasSuffix(affix) ? text.slice(0..<text.byteCount - affix.byteCount) : text)
        case .replace: return try replace(text, arguments)
        case .find, .rfind, .index, .rindex, .count: return try find(method, text, arguments)
        case .partition, .rpartition: return try partition(method, text, arguments)
        case .join: return try join(try items(of: try only(arguments, "iterable", of: "join")), with: text)
        case .format: return .text(try format(text, arguments))
        case .center, .ljust, .rjust, .zfill: return try pad(method, text, arguments)
        case .isalnum, .isalpha, .isdecimal, .isdigit, .isnumeric, .isspace:
            return .boolean(!text.isEmpty && text.string.unicodeScalars.allSatisfy { Self.has($0, method) })
        case .islower, .isupper, .istitle:
            let cased = text.string.unicodeScalars.filter(\.properties.isCased)
            if cased.isEmpty { return .boolean(false) }
            if method == .istitle { return .boolean(text == text.titled()) }
            return .boolean(
                cased.allSatisfy { method == .islower ? $0.properties.isLowercase : $0.properties.isUppercase })
        }
    }

    /// Whether a code point has the property that a method such as `isalpha` tests.
    private static func has(_ scalar: Unicode.Scalar, _ method: TextMethod) -> Bool {
        switch method {
        case .isspace: return scalar.isPythonSpace
        case .isalpha: return scalar.properties.generalCategory.isLetter
        case .isdecimal: return scalar.properties.numericType == .decimal
        case .isdigit: return scalar.properties.numericType == .decimal || scalar.properties.numericType == .digit
        case .isnumeric: return scalar.properties.numericType != nil
        default: return scalar.properties.generalCategory.isLetter || scalar.properties.numericType != nil
        }
    }

    /// `strip`, `lstrip`, `rstrip`: without white space, or without the code points of the argument.
    private func strip(_ method: TextMethod, _ text: ProvenanceText, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        let characters = try bind(arguments, ["chars"], of: method.rawValue)[0]
        let start = method != .rstrip
        let end = method != .lstrip
        guard let characters, !characters.isNone else { return .text(text.stripped(start: start, end: end)) }
        let set = Set(try self.text(characters, default: .empty, of: method.rawValue).string.unicodeScalars)
        return .text(text.stripped(start: start, end: end, of: set.contains))
    }

    /// `split` and `rsplit`. Without a separator runs of white space divide the text, and empty parts are left out.
    private func split(_ method: TextMethod, _ text: ProvenanceText, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        let values = try bind(arguments, ["sep", "maxsplit"], of: method.rawValue)
        var limit = try integer(values[1], default: -1, of: method.rawValue)
        if limit < 0 { limit = .max }
        guard let separator = values[0], !separator.isNone else {
            if method == .split || limit == .max {
                return try makeList(text.splitWords(limit: limit).map(TemplateValue.text))
            }
            return try makeList(text.splitWordsFromRight(limit: limit).map(TemplateValue.text))
        }
        let cut = try self.text(separator, default: .empty, of: method.rawValue)
        guard !cut.isEmpty else { throw failure("ValueError: empty separator") }
        return try makeList(text.split(at: cut, limit: limit, fromRight: method == .rsplit).map(TemplateValue.text))
    }

    /// `startswith` and `endswith`, for a text or a tuple of texts, within optional bounds.
    private func hasAffix(_ method: TextMethod, _ text: ProvenanceText, _ arguments: Arguments) throws(TemplateError)
        -> Bool
    {
        let values = try bind(arguments, ["affix", "start", "end"], of: method.rawValue)
        guard let wanted = values[0] else { throw missing("affix", of: method.rawValue) }
        var text = text
        if values[1] != nil || values[2] != nil {
            let start = try integer(values[1], default: 0, of: method.rawValue)
            let end = try integer(values[2], default: .max, of: method.rawValue)
            guard case .text(let part) = try slice(.text(text), start: start, stop: end, step: 1) else { return false }
            text = part
        }
        var affixes = [wanted]
        if case .list(let list) = wanted, list.kind == .tuple { affixes = list.items }
        for affix in affixes {
            guard case .text(let affix) = affix else {
                if case .undefined(let reason) = affix { throw failure(reason.message) }
                throw failure(
                    "TypeError: \(method.rawValue) first arg must be str or a tuple of str, not \(affix.typeName)")
            }
            if method == .startswith ? text.hasPrefix(affix) : text.hasSuffix(affix) { return true }
        }
        return false
    }

    /// `replace(old, new, count)`
    private func replace(_ text: ProvenanceText, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["old", "new", "count"], of: "replace")
        guard let old = values[0], let new = values[1] else { throw missing("new", of: "replace") }
        let limit = try integer(values[2], default: -1, of: "replace")
        return try replaced(
            text, try self.text(old, default: .empty, of: "replace"),
            try self.text(new, default: .empty, of: "replace"),
            limit: limit < 0 ? .max : limit)
    }

    /// Replaces occurrences and counts the result against the budget before it is made.
    func replaced(_ text: ProvenanceText, _ old: ProvenanceText, _ new: ProvenanceText, limit: Int)
        throws(TemplateError) -> TemplateValue
    {
        let most = min(limit, text.byteCount / max(1, old.byteCount) + 1)
        // The largest possible result is estimated first. Only if it is large are the occurrences counted exactly.
        let (growth, overflow) = most.multipliedReportingOverflow(by: new.byteCount)
        if growth > 1 << 20 || overflow {
            let count = old.isEmpty ? most : text.occurrences(of: old, limit: limit).count
            let (bytes, overflow) = count.multipliedReportingOverflow(by: new.byteCount)
            try spend(bytes: overflow ? .max : bytes)
        }
        return try makeText(text.replacing(old, with: new, limit: limit))
    }

    /// `find`, `rfind`, `index`, `rindex` and `count`, within optional bounds.
    private func find(_ method: TextMethod, _ text: ProvenanceText, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        let values = try bind(arguments, ["sub", "start", "end"], of: method.rawValue)
        guard let wanted = values[0] else { throw missing("sub", of: method.rawValue) }
        let part = try self.text(wanted, default: .empty, of: method.rawValue)
        let length = text.length
        func clamped(_ bound: Int) -> Int { min(max(bound < 0 ? bound + length : bound, 0), length) }
        let start = clamped(try integer(values[1], default: 0, of: method.rawValue))
        let end = max(start, clamped(try integer(values[2], default: length, of: method.rawValue)))
        guard case .text(let range) = try slice(.text(text), start: start, stop: end, step: 1) else { return .none }
        let found = part.isEmpty ? range.scalarOffsets : range.occurrences(of: part)
        if method == .count { return .integer(found.count, isTrusted: false) }
        let isFromRight = method == .rfind || method == .rindex
        let match: Int?
        if isFromRight, !part.isEmpty {
            match =
                range.split(at: part, limit: 1, fromRight: true).count == 2
                ? range.split(at: part, limit: 1, fromRight: true)[0].byteCount : nil
        } else {
            match = isFromRight ? found.last : found.first
        }
        guard let match else {
            if method == .index || method == .rindex { throw failure("ValueError: substring not found") }
            return .integer(-1)
        }
        return .integer(start + range.slice(0..<match).length, isTrusted: false)
    }

    /// `partition` and `rpartition`: the text in front of the separator, the separator, and the text behind it.
    private func partition(_ method: TextMethod, _ text: ProvenanceText, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        let separator = try self.text(
            try only(arguments, "sep", of: method.rawValue), default: .empty, of: method.rawValue)
        guard !separator.isEmpty else { throw failure("ValueError: empty separator") }
        let parts = text.split(at: separator, limit: 1, fromRight: method == .rpartition)
        let items =
            if parts.count == 2 {
                [parts[0], text.slice(parts[0].byteCount..<parts[0].byteCount + separator.byteCount), parts[1]]
            } else {
                method == .partition ? [text, .empty, .empty] : [.empty, .empty, text]
            }
        return try makeList(items.map(TemplateValue.text), kind: .tuple)
    }

    /// `separator.join(values)`. Every value must be a string, unlike in the filter `join`.
    func join(_ values: [TemplateValue], with separator: ProvenanceText) throws(TemplateError) -> TemplateValue {
        var result = ProvenanceText.empty
        for (index, value) in values.enumerated() {
            guard case .text(let part) = value else {
                if case .undefined(let reason) = value { throw failure(reason.message) }
                throw failure("TypeError: sequence item \(index): expected str instance, \(value.typeName) found")
            }
            try spend(bytes: part.byteCount + separator.byteCount)
            if index > 0 { result.append(separator) }
            result.append(part)
        }
        return .text(result)
    }

    /// `center`, `ljust`, `rjust` and `zfill`.
    private func pad(_ method: TextMethod, _ text: ProvenanceText, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        let values = try bind(arguments, ["width", "fillchar"], of: method.rawValue)
        let width = try integer(values[0], default: 0, of: method.rawValue)
        let fill = try self.text(values[1], default: ProvenanceText(" ", isTrusted: false), of: method.rawValue)
        let missing = max(0, width - text.length)
        try spend(bytes: missing)
        if method == .zfill { return .text(text.padded(with: "0", missing)) }
        guard let character = fill.string.unicodeScalars.first, fill.length == 1 else {
            throw failure("TypeError: The fill character must be exactly one character long")
        }
        // Python puts the odd one of an odd margin to the left if the width is odd.
        let left =
            switch method {
            case .ljust: 0
            case .rjust: missing
            default: missing / 2 + (missing & width & 1)
            }
        var result = ProvenanceText(String(repeating: String(character), count: left), isTrusted: fill.isWhollyTrusted)
        result.append(text)
        result.append(String(repeating: String(character), count: missing - left), isTrusted: fill.isWhollyTrusted)
        return .text(result)
    }
}

extension Unicode.GeneralCategory {
    /// Whether `str.isalpha()` counts the category as a letter.
    fileprivate var isLetter: Bool {
        switch self {
        case .uppercaseLetter, .lowercaseLetter, .titlecaseLetter, .modifierLetter, .otherLetter: true
        default: false
        }
    }
}

extension ProvenanceText {
    /// The text with zeros in front, behind a sign if there is one.
    fileprivate func padded(with zero: String, _ count: Int) -> ProvenanceText {
        let hasSign = string.utf8.first == UInt8(ascii: "-") || string.utf8.first == UInt8(ascii: "+")
        var result = slice(0..<(hasSign ? 1 : 0))
        result.append(String(repeating: zero, count: count), isTrusted: false)
        result.append(slice((hasSign ? 1 : 0)..<byteCount))
        return result
    }

    /// `str.rsplit(maxsplit=limit)` without a separator: the last words, and the rest of the text in front of them.
    fileprivate func splitWordsFromRight(limit: Int) -> [ProvenanceText] {
        var words: [ProvenanceText] = []
        var rest = stripped(start: false)
        while !rest.isEmpty, words.count < limit {
            let head = rest.stripped(start: false, of: { !$0.isPythonSpace })
            words.append(rest.slice(head.byteCount..<rest.byteCount))
            rest = head.stripped(start: false)
        }
        let first = rest.stripped(end: false)
        if !first.isEmpty { words.append(first) }
        return words.reversed()
    }
}
