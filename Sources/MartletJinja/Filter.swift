import OrderedCollections

/// The filters behind `|`, by their names in templates.
///
/// They are those of Jinja 3.1 that chat templates use, and `from_json` of llama-server. Left out are filters that
/// make HTML or random choices (`xmlattr`, `urlize`, `random`, …). An unknown filter fails when it is reached, not
/// when the template is parsed, so that an unused branch does no harm.
///
///     "a b" | upper                     "A B"            [3, 1, 2] | sort            [1, 2, 3]
///     " x " | trim                      "x"              [1, 2, 3] | first           1
///     "abc" | replace("b", "x")         "axc"            [1, 2] | join(", ")         "1, 2"
///     none | default("x", true)         "x"              [1, 2, 3] | sum             6
///     {"a": 1} | tojson                 "{\"a\": 1}"     {"b": 1, "a": 2} | items    ("b", 1), ("a", 2)
///     "3.7" | int                       3                [1, 1, 2] | unique          1, 2
///     "<b>" | escape                    "&lt;b&gt;"      "[1]" | from_json           [1]
///
/// Aliases: `d` of `default`, `e` of `escape`, `count` of `length`.
enum Filter: String, Sendable {
    case abs, attr, batch, capitalize, center, count, d, `default`, dictsort, e, escape, first, float, forceescape
    case format
    case fromJSON = "from_json"
    case groupby, indent, int, items, join, last, length, list, lower, map, max, min
    case reject, rejectattr, replace, reverse, round, safe, select, selectattr, slice, sort, string, sum, title
    case tojson, trim, truncate, unique, upper, urlencode, wordcount
}

extension Interpreter {
    /// Applies a filter to a value.
    /// - Throws: Python's and Jinja's errors with their texts; `budget`.
    func apply(_ filter: Filter, to value: TemplateValue, _ arguments: Arguments) throws(TemplateError) -> TemplateValue
    {
        switch filter {
        case .length, .count: return try length(of: value)
        case .default, .d: return try fallback(for: value, arguments)
        case .string: return .text(try text(of: value))
        case .safe: return .text(try text(of: value).marked())
        case .tojson: return try printJSON(value, arguments)
        case .fromJSON: return try parseJSON(value)
        case .int, .float, .abs, .round, .sum, .min, .max: return try applyNumeric(filter, to: value, arguments)
        case .join, .list, .first, .last, .reverse, .sort, .unique, .batch, .slice, .groupby, .dictsort, .items:
            return try applySequence(filter, to: value, arguments)
        case .map, .select, .reject, .selectattr, .rejectattr, .attr:
            return try applySelection(filter, to: value, arguments)
        default: return try applyText(filter, to: value, arguments)
        }
    }

    /// `value | length`: code points, items or members. The length of an undefined value is 0, as in Jinja.
    private func length(of value: TemplateValue) throws(TemplateError) -> TemplateValue {
        switch value {
        case .text(let text): return .integer(text.length, isTrusted: false)
        case .list(let list) where list.isSized: return .integer(list.items.count, isTrusted: false)
        case .dictionary(let dictionary): return .integer(dictionary.members.count, isTrusted: false)
        case .undefined: return .integer(0)
        default: throw failure("TypeError: object of type '\(value.typeName)' has no len()")
        }
    }

    /// `value | default(fallback, boolean)`. With `boolean` true a false value is replaced too: `"" | default("x",
    /// true)` is `x`.
    private func fallback(for value: TemplateValue, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["default_value", "boolean"], of: "default")
        let isMissing = value.isUndefined || (values[1]?.isTrue ?? false && !value.isTrue)
        return isMissing ? values[0] ?? .text(.empty) : value
    }

    /// `value | tojson`: Python's `json.dumps` with its options, but `ensure_ascii` is false by default.
    ///
    /// The Hugging Face library defines `tojson` so for chat templates; Jinja's own filter would escape `<`, `>` and
    /// `&`.
    private func printJSON(_ value: TemplateValue, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["ensure_ascii", "indent", "separators", "sort_keys"], of: "tojson")
        var printer = JSONPrinter()
        printer.escapesNonASCII = values[0]?.isTrue ?? false
        switch values[1] {
        case .text(let text)?: printer.indent = text
        case .integer(let count, let isTrusted)?:
            try spend(bytes: Swift.max(0, count))
            printer.indent = ProvenanceText(String(repeating: " ", count: Swift.max(0, count)), isTrusted: isTrusted)
        case nil, .some(.none): break
        case let other?:
            throw failure("TypeError: tojson's indent must be an integer or a string, not \(other.typeName)")
        }
        if printer.indent != nil { printer.itemSeparator = "," }
        if let separators = values[2], !separators.isNone {
            let items = try items(of: separators)
            guard items.count == 2, case .text(let item) = items[0], case .text(let key) = items[1] else {
                throw failure("ValueError: tojson's separators must be two strings")
            }
            printer.itemSeparator = item.string
            printer.keySeparator = key.string
        }
        printer.sortsKeys = values[3]?.isTrue ?? false
        try printer.write(value, self)
        return try makeText(printer.text)
    }

    /// Applies a filter of numbers. `min` and `max` of an empty sequence are undefined.
    private func applyNumeric(
        _ filter: Filter, to value: TemplateValue, _ arguments: Arguments
    ) throws(TemplateError) -> TemplateValue {
        switch filter {
        case .int: return try converted(toInteger: value, arguments)
        case .float:
            let fallback = try bind(arguments, ["default"], of: "float")[0] ?? .float(0)
            if case .text(let text) = value { return Double(pythonText: text).map(TemplateValue.float) ?? fallback }
            if case .undefined(let reason) = value { throw failure(reason.message) }
            return value.number.map(TemplateValue.float) ?? fallback
        case .abs:
            guard let number = value.number else {
                if case .undefined(let reason) = value { throw failure(reason.message) }
                throw failure("TypeError: bad operand type for abs(): '\(value.typeName)'")
            }
            return number < 0 ? try negated(value, line) : try positive(value, line)
        case .round: return try rounded(value, arguments)
        case .sum:
            let values = try bind(arguments, ["attribute", "start"], of: "sum")
            var total = values[1] ?? .integer(0)
            for item in try items(of: value) {
                total = try calculate(total, .add, try lookUp(values[0], in: item))
            }
            return total
        default:
            let values = try bind(arguments, ["case_sensitive", "attribute"], of: filter.rawValue)
            let isSensitive = values[0]?.isTrue ?? false
            let attribute = values[1]
            var best: (key: TemplateValue, item: TemplateValue)?
            for item in try items(of: value) {
                let key = try sortKey(try lookUp(attribute, in: item), isSensitive: isSensitive)
                let isBetter = try best.map { best throws(TemplateError) in
                    try ordering(key, best.key, "<") == (filter == .min ? -1 : 1)
                }
                if isBetter ?? true { best = (key, item) }
            }
            return best?.item ?? .undefined(.hint("No aggregated item, sequence was empty."))
        }
    }

    /// `value | int(default, base)`: never fails for a text that is no number, but returns the default, 0.
    private func converted(toInteger value: TemplateValue, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        let values = try bind(arguments, ["default", "base"], of: "int")
        let fallback = values[0] ?? .integer(0)
        switch value {
        case .integer, .largeInteger: return value
        case .boolean(let value): return .integer(value ? 1 : 0)
        case .float(let value):
            return Int(exactly: value.rounded(.towardZero)).map { .integer($0, isTrusted: false) } ?? fallback
        case .text(let text):
            let base = try integer(values[1], default: 10, of: "int")
            if let number = Int(pythonText: text, base: base) {
                return .integer(number, isTrusted: text.isWhollyTrusted)
            }
            guard let number = Double(pythonText: text), let whole = Int(exactly: number.rounded(.towardZero)) else {
                return fallback
            }
            return .integer(whole, isTrusted: text.isWhollyTrusted)
        case .undefined(let reason): throw failure(reason.message)
        default: return fallback
        }
    }

    /// `value | round(precision, method)`. The result is a float, except that `common` returns an integer for an
    /// integer.
    ///
    /// `common` rounds ties to even on the exact binary value, as Python 3 does: `0.5 | round` is 0.0, `1.5 | round`
    /// is 2.0.
    private func rounded(_ value: TemplateValue, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["precision", "method"], of: "round")
        let precision = try integer(values[0], default: 0, of: "round")
        let method = try text(values[1], default: ProvenanceText("common", isTrusted: true), of: "round").string
        guard let number = value.number else {
            throw failure("TypeError: type \(value.typeName) doesn't define __round__ method")
        }
        guard ["common", "ceil", "floor"].contains(method) else {
            throw failure("method must be common, ceil or floor")
        }
        guard (-300...300).contains(precision) else { throw failure("round's precision must lie within ±300") }
        if method == "common", precision >= 0, case .float = value {
            return .float(Double(PythonNumber.fixed(number, decimals: precision)) ?? number)
        }
        var scale = 1.0
        for _ in 0..<Swift.abs(precision) { scale *= 10 }
        let scaled = precision < 0 ? number / scale : number * scale
        let rule: FloatingPointRoundingRule =
            switch method {
            case "ceil": .up
            case "floor": .down
            default: .toNearestOrEven
            }
        let result = precision < 0 ? scaled.rounded(rule) * scale : scaled.rounded(rule) / scale
        if method == "common", let isTrusted = value.integerForArithmetic?.isTrusted, let whole = Int(exactly: result) {
            return .integer(whole, isTrusted: isTrusted)
        }
        return .float(result)
    }
}

extension Int {
    /// The integer of a text as Python's `int(text, base)` parses it: white space around it, underscores between
    /// digits, a prefix that fits the base. Base 0 means that the prefix decides.
    fileprivate init?(pythonText text: ProvenanceText, base: Int) {
        var digits = text.stripped().string.filter { $0 != "_" }
        var base = base
        for (prefix, radix) in [("0x", 16), ("0o", 8), ("0b", 2)] where base == 0 || base == radix {
            guard digits.lowercased().hasPrefix(prefix) else { continue }
            digits.removeFirst(2)
            base = radix
        }
        if base == 0 { base = 10 }
        guard (2...36).contains(base), let value = Int(digits, radix: base) else { return nil }
        self = value
    }
}

extension Double {
    /// The number of a text as Python's `float(text)` parses it. Hexadecimal numbers, which Swift accepts, are
    /// refused.
    fileprivate init?(pythonText text: ProvenanceText) {
        let trimmed = text.stripped().string.filter { $0 != "_" }
        let lowered = trimmed.lowercased()
        guard !lowered.contains("x"), !lowered.contains("p"), let value = Double(trimmed) else { return nil }
        self = value
    }
}
