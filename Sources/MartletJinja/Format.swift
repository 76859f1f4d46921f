import OrderedCollections

/// Python's two ways to format text: `"…".format(…)` and `"…" % …`.
extension Interpreter {
    /// Replaces the fields of a format string: `{}`, `{0}` and `{name}`, each with `!r` or `!s` and a format behind a
    /// colon.
    ///
    ///     "{:>5}|{!r}".format(3, "a")  ->  "    3|'a'"
    ///
    /// `{{` and `}}` stand for braces. Fields in fields and attributes (`{0.name}`) are not supported: they would give
    /// access to Python's objects.
    func format(_ text: ProvenanceText, _ arguments: Arguments) throws(TemplateError) -> ProvenanceText {
        var result = ProvenanceText.empty
        let bytes = Array(text.string.utf8)
        var index = 0
        var literalStart = 0
        var nextPosition = 0
        while index < bytes.count {
            let byte = bytes[index]
            guard byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") else {
                index += 1
                continue
            }
            result.append(text.slice(literalStart..<index))
            if index + 1 < bytes.count, bytes[index + 1] == byte {
                result.append(text.slice(index..<index + 1))
                index += 2
            } else if byte == UInt8(ascii: "}") {
                throw failure("ValueError: Single '}' encountered in format string")
            } else {
                guard let end = bytes[index...].firstIndex(of: UInt8(ascii: "}")) else {
                    throw failure("ValueError: expected '}' before end of string")
                }
                let field = FormatField(text.slice(index + 1..<end).string)
                let value = try argument(for: field, arguments, &nextPosition)
                let part = try formatted(value, field)
                try spend(bytes: part.byteCount)
                result.append(part)
                index = end + 1
            }
            literalStart = index
        }
        result.append(text.slice(literalStart..<bytes.count))
        return result
    }

    /// The value of a field, by position or by name.
    private func argument(
        for field: FormatField, _ arguments: Arguments, _ nextPosition: inout Int
    ) throws(TemplateError) -> TemplateValue {
        if field.name.isEmpty || Int(field.name) != nil {
            let position = Int(field.name) ?? nextPosition
            if field.name.isEmpty { nextPosition += 1 }
            guard arguments.positional.indices.contains(position) else {
                throw failure("IndexError: Replacement index \(position) out of range for positional args tuple")
            }
            return arguments.positional[position]
        }
        guard let value = arguments.named.last(where: { $0.name == field.name })?.value else {
            throw failure("KeyError: '\(field.name)'")
        }
        return value
    }

    /// The text of a field: converted by `!r` or `!s`, then formatted.
    private func formatted(_ value: TemplateValue, _ field: FormatField) throws(TemplateError) -> ProvenanceText {
        var value = value
        if let conversion = field.conversion {
            var text = ProvenanceText.empty
            if conversion == "r" {
                try write(representationOf: value, to: &text)
            } else {
                text = try self.text(of: value)
            }
            value = .text(text)
        }
        if field.specification.isEmpty { return try text(of: value) }
        guard let specification = FormatSpecification(field.specification) else {
            throw failure("ValueError: Invalid format specifier '\(field.specification)'")
        }
        return try formatted(value, specification)
    }

    /// `"…" % value`. A tuple contains one value per field; the members of a dictionary are found by name: `%(name)s`.
    func formatOldStyle(_ text: ProvenanceText, _ value: TemplateValue) throws(TemplateError) -> ProvenanceText {
        switch value {
        case .list(let list) where list.kind == .tuple:
            return try formatOldStyle(text, Arguments(positional: list.items))
        case .dictionary(let dictionary):
            var arguments = Arguments(positional: [value])
            for (key, value) in dictionary.members {
                if case .text(let name) = key { arguments.named.append((name.string, value)) }
            }
            return try formatOldStyle(text, arguments)
        default: return try formatOldStyle(text, Arguments(positional: [value]))
        }
    }

    /// Replaces the `%` fields of a format string. Fails if values are missing or left over, as Python does.
    func formatOldStyle(_ text: ProvenanceText, _ arguments: Arguments) throws(TemplateError) -> ProvenanceText {
        var result = ProvenanceText.empty
        let bytes = Array(text.string.utf8)
        var values = arguments.positional[...]
        var literalStart = 0
        while let start = bytes[literalStart...].firstIndex(of: UInt8(ascii: "%")) {
            result.append(text.slice(literalStart..<start))
            var index = start + 1
            var named: TemplateValue?
            if index < bytes.count, bytes[index] == UInt8(ascii: "("),
                let end = bytes[index...].firstIndex(of: UInt8(ascii: ")"))
            {
                let name = text.slice(index + 1..<end).string
                named = arguments.named.last { $0.name == name }?.value
                if named == nil { throw failure("KeyError: '\(name)'") }
                index = end + 1
            }
            let optionsStart = index
            while index < bytes.count, "-+ #0123456789.".utf8.contains(bytes[index]) { index += 1 }
            guard index < bytes.count else { throw failure("ValueError: incomplete format") }
            if bytes[index] == UInt8(ascii: "%") {
                result.append(text.slice(index..<index + 1))
            } else {
                guard let value = named ?? values.popFirst() else {
                    throw failure("TypeError: not enough arguments for format string")
                }
                let options = text.slice(optionsStart..<index).string
                let part = try formatted(value, oldStyle: options, Unicode.Scalar(bytes[index]))
                try spend(bytes: part.byteCount)
                result.append(part)
            }
            literalStart = index + 1
        }
        result.append(text.slice(literalStart..<bytes.count))
        if !values.isEmpty, arguments.named.isEmpty {
            throw failure("TypeError: not all arguments converted during string formatting")
        }
        return result
    }

    /// The text of a `%` field. `%d` of a float cuts the fraction, unlike `{:d}`, which fails.
    private func formatted(
        _ value: TemplateValue, oldStyle options: String, _ letter: Unicode.Scalar
    ) throws(TemplateError) -> ProvenanceText {
        var specification = FormatSpecification(oldStyle: options)
        var value = value
        switch letter {
        case "s": value = .text(try text(of: value))
        case "r", "a":
            var text = ProvenanceText.empty
            try write(representationOf: value, to: &text)
            value = .text(text)
        case "d", "i", "u":
            if case .float(let number) = value, let whole = Int(exactly: number.rounded(.towardZero)) {
                value = .integer(whole, isTrusted: false)
            }
            specification.type = "d"
        case "x", "X", "o", "f", "F", "e", "E", "g", "G": specification.type = letter
        default: throw failure("ValueError: unsupported format character '\(letter)'")
        }
        return try formatted(value, specification)
    }

    /// The text of a value with a format specification. The padded width is counted against the budget before it is
    /// made.
    ///
    /// Provenance: padding and digits of computed numbers are untrusted; the text itself retains its provenance.
    private func formatted(_ value: TemplateValue, _ specification: FormatSpecification) throws(TemplateError)
        -> ProvenanceText
    {
        try spend(bytes: max(specification.width, specification.precision ?? 0))
        var body: ProvenanceText
        var isNumber = true
        switch (specification.type, value) {
        case (nil, .text(let text)), ("s", .text(let text)):
            isNumber = false
            let offsets = text.scalarOffsets
            body = text.slice(0..<offsets[min(specification.precision ?? .max, offsets.count - 1)])
        case ("f", _), ("F", _), ("%", _):
            guard let number = value.number else { throw invalidFormat(specification, value) }
            let scaled = specification.type == "%" ? number * 100 : number
            body = ProvenanceText(PythonNumber.fixed(scaled, decimals: specification.precision ?? 6), isTrusted: false)
            if specification.type == "%" { body.append("%", isTrusted: false) }
        case (let type?, _) where "eEgG".unicodeScalars.contains(type):
            guard let number = value.number else { throw invalidFormat(specification, value) }
            let precision = specification.precision ?? 6
            let text =
                "eE".unicodeScalars.contains(type)
                ? PythonNumber.exponential(number, decimals: precision)
                : PythonNumber.general(number, precision: precision)
            body = ProvenanceText("EG".unicodeScalars.contains(type) ? text.uppercased() : text, isTrusted: false)
        case ("d", .largeInteger(let digits)): body = ProvenanceText(digits, isTrusted: false)
        case (let type?, _) where "dxXob".unicodeScalars.contains(type):
            guard let (number, isTrusted) = value.integerForArithmetic else {
                throw invalidFormat(specification, value)
            }
            let radix = type == "d" ? 10 : type == "o" ? 8 : type == "b" ? 2 : 16
            body = ProvenanceText(String(number, radix: radix, uppercase: type == "X"), isTrusted: isTrusted)
        case (nil, .float(let number)) where specification.precision != nil:
            body = ProvenanceText(
                PythonNumber.general(number, precision: specification.precision ?? 6, showsPoint: true),
                isTrusted: false)
        case (nil, _):
            isNumber = value.number != nil
            body = try text(of: value)
        default: throw invalidFormat(specification, value)
        }
        return specification.aligned(body, isNumber: isNumber)
    }

    /// Python's `ValueError` for a type letter that the value does not support.
    private func invalidFormat(_ specification: FormatSpecification, _ value: TemplateValue) -> TemplateError {
        let letter = specification.type.map(String.init) ?? ""
        return failure("ValueError: Unknown format code '\(letter)' for object of type '\(value.typeName)'")
    }
}
