import OrderedCollections

extension Interpreter {
    /// Python's `str(value)`: the text that `{{ value }}` writes. An undefined value is empty.
    ///
    /// `true` is `True`, `none` is `None`, a list is the `repr` of its items: `["a"]` is `['a']`.
    func text(of value: TemplateValue) throws(TemplateError) -> ProvenanceText {
        switch value {
        case .text(let text): return text
        case .undefined: return .empty
        case .integer(let value, let isTrusted): return ProvenanceText(String(value), isTrusted: isTrusted)
        default:
            var text = ProvenanceText.empty
            try write(representationOf: value, to: &text)
            return text
        }
    }

    /// Appends Python's `repr(value)`.
    ///
    /// The text of a client stays untrusted within it; brackets, quotes and names are untrusted as well, because data
    /// decide them.
    func write(representationOf value: TemplateValue, to text: inout ProvenanceText) throws(TemplateError) {
        try spend()
        switch value {
        case .undefined: text.append("Undefined", isTrusted: false)
        case .none: text.append("None", isTrusted: false)
        case .boolean(let value): text.append(value ? "True" : "False", isTrusted: false)
        case .integer(let value, let isTrusted): text.append(String(value), isTrusted: isTrusted)
        case .largeInteger(let digits): text.append(digits, isTrusted: false)
        case .float(let value): text.append(PythonNumber.text(of: value), isTrusted: false)
        case .text(let value): text.append(value.quotedForPython())
        case .list(let list): try write(representationOf: list, to: &text)
        case .dictionary(let dictionary): try write(representationOf: dictionary, to: &text)
        case .namespace: text.append("<Namespace>", isTrusted: false)
        case .callable(.macro(let macro)): text.append("<Macro '\(macro.definition.name)'>", isTrusted: false)
        case .callable: text.append("<function>", isTrusted: false)
        case .loop(let loop): text.append("<LoopContext \(loop.index + 1)/\(loop.items.count)>", isTrusted: false)
        }
    }

    /// Appends the `repr` of a list, tuple, range or view of a dictionary. A tuple of one item ends with a comma.
    private func write(representationOf list: ListObject, to text: inout ProvenanceText) throws(TemplateError) {
        try enter()
        defer { leave() }
        let brackets: (String, String)
        switch list.kind {
        case .list, .range: brackets = ("[", "]")
        case .tuple: brackets = ("(", list.items.count == 1 ? ",)" : ")")
        case .generator:
            text.append("<generator>", isTrusted: false)
            return
        case .keys, .values, .items: brackets = ("\(list.kind.rawValue)([", "])")
        }
        text.append(brackets.0, isTrusted: false)
        for (index, item) in list.items.enumerated() {
            if index > 0 { text.append(", ", isTrusted: false) }
            try write(representationOf: item, to: &text)
        }
        text.append(brackets.1, isTrusted: false)
        try spend(bytes: list.items.count * 8)
    }

    /// Appends the `repr` of a dictionary: `{'a': 1}`.
    private func write(
        representationOf dictionary: DictionaryObject, to text: inout ProvenanceText
    ) throws(TemplateError) {
        try enter()
        defer { leave() }
        text.append("{", isTrusted: false)
        for (index, member) in dictionary.members.enumerated() {
            if index > 0 { text.append(", ", isTrusted: false) }
            try write(representationOf: member.key.value, to: &text)
            text.append(": ", isTrusted: false)
            try write(representationOf: member.value, to: &text)
        }
        text.append("}", isTrusted: false)
        try spend(bytes: dictionary.members.count * 16)
    }
}

extension ProvenanceText {
    /// Python's `repr` of a string.
    ///
    /// In single quotes, unless the text contains only single quotes. Code points that cannot be printed are escaped:
    /// `\n`, `\x07`, `\u200b`. Safe text is written with the name of its class.
    func quotedForPython() -> ProvenanceText {
        if isMarkup {
            var result = ProvenanceText("Markup(", isTrusted: false)
            result.append(marked(false).quotedForPython())
            result.append(")", isTrusted: false)
            return result
        }
        let hasSingle = string.utf8.contains(UInt8(ascii: "'"))
        let hasDouble = string.utf8.contains(UInt8(ascii: "\""))
        let quote: Unicode.Scalar = hasSingle && !hasDouble ? "\"" : "'"
        var result = ProvenanceText(String(quote), isTrusted: false)
        result.append(
            mapScalars { scalar in
                switch scalar {
                case "\\": "\\\\"
                case "\n": "\\n"
                case "\r": "\\r"
                case "\t": "\\t"
                case quote: "\\" + String(quote)
                default: scalar.isPythonPrintable ? String(scalar) : scalar.pythonEscape
                }
            })
        result.append(String(quote), isTrusted: false)
        return result
    }
}

extension Unicode.Scalar {
    /// Whether `repr` shows the code point as it is (`str.isprintable`).
    fileprivate var isPythonPrintable: Bool {
        if value < 0x7F { return value >= 0x20 }
        switch properties.generalCategory {
        case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator,
            .spaceSeparator:
            return false
        default: return true
        }
    }

    /// The code point as `\xXX`, `\uXXXX` or `\UXXXXXXXX`, the shortest that fits.
    fileprivate var pythonEscape: String {
        let digits = String(value, radix: 16)
        let (letter, width) = value < 0x100 ? ("x", 2) : value < 0x10000 ? ("u", 4) : ("U", 8)
        return "\\" + letter + String(repeating: "0", count: width - digits.count) + digits
    }
}
