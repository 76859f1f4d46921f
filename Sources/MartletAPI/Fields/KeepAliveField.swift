package import MartletJSON

/// The field `keep_alive`: the time for which a model remains loaded after the request, in Ollama's forms.
///
/// Examples: `300` and `"5m"` are five minutes, `0` unloads the model at once, and `-1` never unloads it.
package enum KeepAliveField {
    /// The largest time: ten years.
    private static let maximumSeconds = 3.2e8

    /// Reads a value.
    /// - Returns: nil for an absent value; a negative time = for ever.
    /// - Throws: `invalidRequest` for a value of another form.
    package static func read(_ value: JSONValue?) throws(APIError) -> Duration? {
        guard let value, value != .null else { return nil }
        let seconds: Double? =
            switch value {
            case .integer(let number): Double(number)
            case .number(let number): number
            case .string(let text): seconds(text)
            default: nil
            }
        guard let seconds, seconds.isFinite else {
            throw .field(
                "keep_alive",
                "Value must be a number of seconds, or a text such as \"5m\", but got \(FieldReader.short(value))")
        }
        return seconds < 0 ? .seconds(-1) : .milliseconds(Int(min(seconds, maximumSeconds) * 1_000))
    }

    /// The seconds of a text: numbers with the units `ms`, `s`, `m` and `h`, one after the other; a number alone is seconds.
    ///
    /// A sign at the beginning is that of the whole time. At most 64 bytes are read.
    private static func seconds(_ text: String) -> Double? {
        if let number = Double(text) { return number }
        var rest = text[...]
        let isNegative = rest.first == "-"
        if isNegative { rest.removeFirst() }
        var sum = 0.0
        guard !rest.isEmpty, rest.utf8.count <= 64 else { return nil }
        while !rest.isEmpty {
            let digits = rest.prefix { $0.isNumber || $0 == "." }
            rest = rest.dropFirst(digits.count)
            let unit = rest.prefix { $0.isLetter }
            rest = rest.dropFirst(unit.count)
            let factors = ["ms": 0.001, "s": 1, "m": 60, "h": 3_600]
            guard let number = Double(digits), let factor = factors[String(unit)] else { return nil }
            sum += number * factor
        }
        return isNegative ? -sum : sum
    }
}
