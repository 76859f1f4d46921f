extension Interpreter {
    /// Applies a filter of text. The value is converted to a string first, as Jinja's `soft_str` does.
    ///
    /// A filter of safe text (Jinja's class "Markup": text that was escaped already) returns safe text, if it returns
    /// text.
    func applyText(_ filter: Filter, to value: TemplateValue, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        let text = try text(of: value)
        try spend(bytes: text.byteCount)
        let result = try apply(filter, to: text, arguments)
        guard text.isMarkup, filter != .urlencode, case .text(let made) = result else { return result }
        return .text(made.marked())
    }

    /// Applies a filter of text to a string. Case, width and length count code points.
    private func apply(_ filter: Filter, to text: ProvenanceText, _ arguments: Arguments) throws(TemplateError)
        -> TemplateValue
    {
        switch filter {
        case .upper: return .text(text.uppercased())
        case .lower: return .text(text.lowercased())
        case .capitalize: return .text(text.capitalized())
        case .title: return .text(text.titled { $0.isPythonSpace || "-([{<".unicodeScalars.contains($0) })
        case .trim: return try call(.strip, of: text, arguments)
        case .center:
            let width = try bind(arguments, ["width"], of: "center")[0]
            return try call(.center, of: text, Arguments(positional: [width ?? .integer(80)]))
        case .replace:
            let values = try bind(arguments, ["old", "new", "count"], of: "replace")
            guard let old = values[0], let new = values[1] else { throw missing("new", of: "replace") }
            let limit = try integer(values[2], default: -1, of: "replace")
            return try replaced(
                text, try self.text(of: old), try self.text(of: new), limit: limit < 0 ? .max : limit)
        case .format: return .text(try formatOldStyle(text, arguments))
        case .indent: return try indented(text, arguments)
        case .truncate: return try truncated(text, arguments)
        case .wordcount:
            let isWord: (Unicode.Scalar) -> Bool = {
                $0.properties.isAlphabetic || $0.properties.numericType != nil || $0 == "_"
            }
            return .integer(text.string.unicodeScalars.split { !isWord($0) }.count, isTrusted: false)
        case .urlencode:
            return .text(
                text.mapScalars { scalar in scalar.isUnreservedInURL ? String(scalar) : scalar.percentEncoded })
        case .forceescape: return .text(text.marked(false).escaped)
        default: return .text(text.escaped)
        }
    }

    /// `text | indent(width, first, blank)`. Blank lines and the first line are not indented by default.
    private func indented(_ text: ProvenanceText, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["width", "first", "blank"], of: "indent")
        let margin: ProvenanceText
        if case .text(let text)? = values[0] {
            margin = text
        } else {
            let width = Swift.max(0, try integer(values[0], default: 4, of: "indent"))
            try spend(bytes: width)
            margin = ProvenanceText(String(repeating: " ", count: width), isTrusted: true)
        }
        let indentsBlank = values[2]?.isTrue ?? false
        var source = text
        // A line feed at the end begins an empty last line, which is retained.
        source.append("\n", isTrusted: false)
        let lines = source.lines(keepingEnds: false)
        let (growth, overflow) = lines.count.multipliedReportingOverflow(by: margin.byteCount)
        try spend(bytes: overflow ? .max : growth)
        var result = ProvenanceText.empty
        for (index, line) in lines.enumerated() {
            if index > 0 { result.append("\n", isTrusted: false) }
            let isIndented = index == 0 ? values[1]?.isTrue ?? false : indentsBlank || !line.isEmpty
            if isIndented { result.append(margin) }
            result.append(line)
        }
        return .text(result)
    }

    /// `text | truncate(length, killwords, end, leeway)`. The result has at most `length` code points, `end` included.
    ///
    /// Text that is at most `leeway` code points too long stays whole. Without `killwords` the cut is at the last
    /// space.
    private func truncated(_ text: ProvenanceText, _ arguments: Arguments) throws(TemplateError) -> TemplateValue {
        let values = try bind(arguments, ["length", "killwords", "end", "leeway"], of: "truncate")
        let length = try integer(values[0], default: 255, of: "truncate")
        let end = try self.text(values[2], default: ProvenanceText("...", isTrusted: true), of: "truncate")
        let leeway = try integer(values[3], default: 5, of: "truncate")
        guard length >= end.length else { throw failure("expected length >= \(end.length), got \(length)") }
        guard leeway >= 0 else { throw failure("expected leeway >= 0, got \(leeway)") }
        let offsets = text.scalarOffsets
        if offsets.count - 1 <= length.addingReportingOverflow(leeway).partialValue { return .text(text) }
        var result = text.slice(0..<offsets[length - end.length])
        if !(values[1]?.isTrue ?? false), case let space = ProvenanceText(" ", isTrusted: true), result.contains(space)
        {
            result = result.split(at: space, limit: 1, fromRight: true)[0]
        }
        result.append(end)
        return .text(result)
    }
}

extension Unicode.Scalar {
    /// Whether `urlencode` leaves the code point as it is: letters and digits of ASCII, and `_.-~/`.
    fileprivate var isUnreservedInURL: Bool {
        isASCII && (properties.isAlphabetic || properties.numericType != nil || "_.-~/".unicodeScalars.contains(self))
    }

    /// The bytes of the code point in UTF-8, each as `%XX`.
    fileprivate var percentEncoded: String {
        String(self).utf8.map { byte in
            let digits = String(byte, radix: 16, uppercase: true)
            return "%" + (digits.utf8.count == 1 ? "0" : "") + digits
        }.joined()
    }
}
