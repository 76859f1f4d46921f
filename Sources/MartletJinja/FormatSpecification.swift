/// The source of a field in a format string: `name!conversion:specification`.
struct FormatField {
    /// The name or the position; empty = the next position.
    var name: String
    /// `r` or `s`; nil without a conversion.
    var conversion: String?
    /// The text behind the colon; empty without one.
    var specification: String

    /// - Parameter source: the text between the braces.
    init(_ source: String) {
        let parts = source.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        specification = parts.count > 1 ? String(parts[1]) : ""
        let head = parts[0].split(separator: "!", maxSplits: 1, omittingEmptySubsequences: false)
        name = String(head[0])
        conversion = head.count > 1 ? String(head[1]) : nil
    }
}

/// A format specification: `[[fill]align][sign][#][0][width][,][.precision][type]`.
///
///     "{:*^9,.1f}"  ->  fill "*", centred, width 9, thousands grouped, 1 decimal
///
/// Source: "Format Specification Mini-Language" in the documentation of Python's `string` module.
struct FormatSpecification {
    var fill: Unicode.Scalar = " "
    /// `<` left, `>` right, `^` centred, `=` padding behind the sign. nil = right for numbers, left for text.
    var alignment: Unicode.Scalar?
    /// Whether a positive number has a plus sign.
    var showsPlus = false
    /// Whether the digits in front of the point are grouped by commas.
    var groupsThousands = false
    /// The minimal number of code points; 0 to 100,000.
    var width = 0
    /// Decimals of a number, or the maximal length of a text; 0 to 100,000.
    var precision: Int?
    /// The type letter, such as `d`, `f`, `x` or `s`.
    var type: Unicode.Scalar?

    /// Parses a specification. nil for one that Python refuses, and for widths and precisions above 100,000.
    init?(_ source: String) {
        var scalars = Array(source.unicodeScalars)[...]
        let alignments: [Unicode.Scalar] = ["<", ">", "^", "="]
        if scalars.count > 1, alignments.contains(scalars[1]) {
            fill = scalars[0]
            alignment = scalars[1]
            scalars = scalars.dropFirst(2)
        } else if let first = scalars.first, alignments.contains(first) {
            alignment = first
            scalars = scalars.dropFirst()
        }
        if let sign = scalars.first, sign == "+" || sign == "-" || sign == " " {
            showsPlus = sign == "+"
            scalars = scalars.dropFirst()
        }
        if scalars.first == "#" { scalars = scalars.dropFirst() }
        if scalars.first == "0" {
            if alignment == nil {
                fill = "0"
                alignment = "="
            }
            scalars = scalars.dropFirst()
        }
        guard let width = Self.number(&scalars) else { return nil }
        self.width = width
        if scalars.first == "," || scalars.first == "_" {
            groupsThousands = scalars.first == ","
            scalars = scalars.dropFirst()
        }
        if scalars.first == "." {
            scalars = scalars.dropFirst()
            guard let precision = Self.number(&scalars) else { return nil }
            self.precision = precision
        }
        type = scalars.popFirst()
        guard scalars.isEmpty else { return nil }
    }

    /// Parses flags, width and precision of a `%` field. Faults in them are ignored.
    init(oldStyle source: String) {
        var scalars = Array(source.unicodeScalars)[...]
        alignment = ">"
        while let flag = scalars.first, "-+ #0".unicodeScalars.contains(flag) {
            switch flag {
            case "-": alignment = "<"
            case "+": showsPlus = true
            case "0" where alignment != "<":
                fill = "0"
                alignment = "="
            default: break
            }
            scalars = scalars.dropFirst()
        }
        width = Self.number(&scalars) ?? 0
        if scalars.popFirst() == "." { precision = Self.number(&scalars) }
    }

    /// The number that the digits at the front spell. 0 without digits; nil above 100,000.
    private static func number(_ scalars: inout ArraySlice<Unicode.Scalar>) -> Int? {
        var value = 0
        while let digit = scalars.first, digit.isASCII, digit.properties.numericType == .decimal {
            value = value * 10 + Int(digit.value - 48)
            if value > 100_000 { return nil }
            scalars = scalars.dropFirst()
        }
        return value
    }

    /// The text with sign, grouping and padding.
    func aligned(_ body: ProvenanceText, isNumber: Bool) -> ProvenanceText {
        var body = body
        if isNumber, groupsThousands { body = Self.grouped(body) }
        if isNumber, showsPlus, !body.string.hasPrefix("-") {
            var signed = ProvenanceText("+", isTrusted: false)
            signed.append(body)
            body = signed
        }
        let missing = max(0, width - body.length)
        if missing == 0 { return body }
        let alignment = alignment ?? (isNumber ? ">" : "<")
        let left =
            switch alignment {
            case "<": 0
            case "^": missing / 2
            default: missing
            }
        func padding(_ count: Int) -> String { String(repeating: String(fill), count: count) }
        var result = ProvenanceText.empty
        let hasSign = isNumber && (body.string.hasPrefix("-") || body.string.hasPrefix("+"))
        if alignment == "=", hasSign {
            result.append(body.slice(0..<1))
            body = body.slice(1..<body.byteCount)
        }
        result.append(padding(left), isTrusted: false)
        result.append(body)
        result.append(padding(missing - left), isTrusted: false)
        return result
    }

    /// The number with commas between groups of three digits in front of the point.
    private static func grouped(_ body: ProvenanceText) -> ProvenanceText {
        let whole = body.string.prefix { !".eE".contains($0) }
        var result = ""
        for (index, character) in whole.enumerated() {
            let left = whole.count - index
            if index > 0, left.isMultiple(of: 3), result != "-", result != "+" { result += "," }
            result.append(character)
        }
        return ProvenanceText(result + body.string.dropFirst(whole.count), isTrusted: body.isWhollyTrusted)
    }
}
