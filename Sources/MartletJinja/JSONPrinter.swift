import MartletJSON
import OrderedCollections

extension Interpreter {
    /// The JSON text of values from a request, indented by two spaces: the variable `functions` of llama-server's
    /// templates.
    func jsonText(of items: [JSONValue]) throws(TemplateError) -> TemplateValue {
        var printer = JSONPrinter()
        printer.indent = ProvenanceText("  ", isTrusted: false)
        printer.itemSeparator = ","
        try printer.write(try importList(items), self)
        return try makeText(printer.text)
    }
}

/// Writes values as Python's `json.dumps` does: the filter `tojson`.
///
///     {"a": [1, 2.0], "b": "ü"}      separators ", " and ": ", no escapes beyond ASCII by default
///
/// Only the bytes of strings and integers retain their provenance. Punctuation is untrusted, because the client's data
/// decide it.
struct JSONPrinter {
    /// The indentation of one level; nil = one line.
    var indent: ProvenanceText?
    /// Stands between items. With an indentation the caller sets it to `,`.
    var itemSeparator = ", "
    /// Stands between key and value.
    var keySeparator = ": "
    /// Whether members are sorted by key. Otherwise they stay in the order of the client.
    var sortsKeys = false
    /// Whether code points beyond ASCII are escaped (`ensure_ascii`).
    var escapesNonASCII = false
    /// The text so far.
    private(set) var text = ProvenanceText.empty

    /// Appends a value.
    /// - Throws: Python's `TypeError` for values without JSON, such as undefined ones and generators; `budget`.
    mutating func write(_ value: TemplateValue, _ interpreter: Interpreter, level: Int = 0) throws(TemplateError) {
        try interpreter.spend()
        switch value {
        case .none: append("null")
        case .boolean(let value): append(value ? "true" : "false")
        case .integer(let value, let isTrusted): text.append(String(value), isTrusted: isTrusted)
        case .largeInteger(let digits): append(digits)
        case .float(let value): append(Self.text(of: value))
        case .text(let value):
            try interpreter.spend(bytes: value.byteCount)
            text.append(quoted(value))
        case .list(let list)
        where list.kind == .list || list.kind == .tuple || interpreter.conventions == .server:
            try interpreter.enter()
            defer { interpreter.leave() }
            append("[")
            for (index, item) in list.items.enumerated() {
                separate(index, level: level + 1)
                try write(item, interpreter, level: level + 1)
            }
            if !list.items.isEmpty { breakLine(level: level) }
            append("]")
        case .dictionary(let dictionary):
            try interpreter.enter()
            defer { interpreter.leave() }
            try write(dictionary, interpreter, level)
        default:
            throw interpreter.failure("TypeError: Object of type \(value.typeName) is not JSON serializable")
        }
    }

    /// Appends a dictionary.
    private mutating func write(
        _ dictionary: DictionaryObject, _ interpreter: Interpreter, _ level: Int
    ) throws(TemplateError) {
        append("{")
        var members: [(key: ProvenanceText, value: TemplateValue)] = []
        members.reserveCapacity(dictionary.members.count)
        for (key, value) in dictionary.members { members.append((try keyText(key, interpreter), value)) }
        if sortsKeys { members.sort { $0.key < $1.key } }
        for (index, member) in members.enumerated() {
            separate(index, level: level + 1)
            text.append(quoted(member.key))
            append(keySeparator)
            try write(member.value, interpreter, level: level + 1)
        }
        if !members.isEmpty { breakLine(level: level) }
        append("}")
    }

    /// A key as text. Numbers, booleans and `none` become strings, as in Python.
    private func keyText(_ key: DictionaryKey, _ interpreter: Interpreter) throws(TemplateError) -> ProvenanceText {
        switch key {
        case .text(let text): return text
        case .none: return ProvenanceText("null", isTrusted: false)
        case .boolean(let value): return ProvenanceText(value ? "true" : "false", isTrusted: false)
        case .integer(let value): return ProvenanceText(String(value), isTrusted: false)
        case .float(let value): return ProvenanceText(Self.text(of: value), isTrusted: false)
        case .tuple:
            throw interpreter.failure("TypeError: keys must be str, int, float, bool or None, not tuple")
        }
    }

    /// Appends punctuation.
    private mutating func append(_ string: String) { text.append(string, isTrusted: false) }

    /// Begins an item: a separator, except in front of the first, and a new line.
    private mutating func separate(_ index: Int, level: Int) {
        if index > 0 { append(itemSeparator) }
        breakLine(level: level)
    }

    /// Begins a line, if there is an indentation.
    private mutating func breakLine(level: Int) {
        guard let indent else { return }
        append("\n")
        for _ in 0..<level { text.append(indent) }
    }

    /// A float as Python's `json.dumps` writes it. `NaN` and `Infinity` are no JSON, but Python writes them.
    private static func text(of value: Double) -> String {
        if value.isNaN { return "NaN" }
        if value.isInfinite { return value < 0 ? "-Infinity" : "Infinity" }
        return PythonNumber.text(of: value)
    }

    /// A string in quotes, escaped.
    private func quoted(_ value: ProvenanceText) -> ProvenanceText {
        var result = ProvenanceText("\"", isTrusted: false)
        if value.string.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != 0x22 && $0 != 0x5C }) {
            result.append(value)
        } else {
            result.append(value.mapScalars(escaped))
        }
        result.append("\"", isTrusted: false)
        return result
    }

    /// A code point within a string. Control characters without a short escape become `\u00XX`.
    private func escaped(_ scalar: Unicode.Scalar) -> String {
        switch scalar {
        case "\"": "\\\""
        case "\\": "\\\\"
        case "\n": "\\n"
        case "\r": "\\r"
        case "\t": "\\t"
        case "\u{8}": "\\b"
        case "\u{C}": "\\f"
        default:
            if scalar.value < 0x20 || (escapesNonASCII && scalar.value > 0x7F) {
                String(scalar).utf16.map { unit in
                    let digits = String(unit, radix: 16)
                    return "\\u" + String(repeating: "0", count: 4 - digits.count) + digits
                }.joined()
            } else {
                String(scalar)
            }
        }
    }
}
