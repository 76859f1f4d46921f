import MartletJSON

/// A number as decimal digits, exactly. `0.1` is a tenth here, which no binary floating-point number is.
struct DecimalNumber: Hashable, Sendable {
    var isNegative: Bool
    /// The digits before the point, each 0 to 9, without leading zeros; `[0]` for a number below 1.
    var whole: [UInt8]
    /// The digits after the point, without trailing zeros.
    var fraction: [UInt8]

    /// The largest number of digits; the largest double has 309.
    static let digitLimit = 400

    /// - Returns: `nil` for a value that is no number, and for one of more than 400 digits.
    init?(_ value: JSONValue) {
        switch value {
        case .integer(let value): self.init(text: String(value))
        case .largeInteger(let digits): self.init(text: digits)
        case .number(let value): self.init(text: value.description)
        default: return nil
        }
    }

    /// Parses the text of a JSON number, with its exponent.
    init?(text: String) {
        var digits: [UInt8] = []
        var point: Int?
        var exponent = 0
        var rest = text.utf8[...]
        isNegative = rest.first == UInt8(ascii: "-")
        if isNegative { rest = rest.dropFirst() }
        while let byte = rest.popFirst() {
            switch byte {
            case 0x30...0x39: digits.append(byte - 0x30)
            case 0x2E: point = digits.count
            default:
                guard byte | 0x20 == 0x65, let value = Int(String(rest) ?? ""), abs(value) <= Self.digitLimit else {
                    return nil
                }
                exponent = value
                rest = rest[rest.endIndex...]
            }
        }
        guard !digits.isEmpty else { return nil }
        let position = (point ?? digits.count) + exponent
        if position < 0 { digits.insert(contentsOf: [UInt8](repeating: 0, count: -position), at: 0) }
        if position > digits.count { digits += [UInt8](repeating: 0, count: position - digits.count) }
        let split = max(position, 0)
        whole = Array(digits[..<split].drop { $0 == 0 })
        fraction = Array(digits[split...])
        while fraction.last == 0 { fraction.removeLast() }
        if whole.isEmpty { whole = [0] }
        guard whole.count + fraction.count <= Self.digitLimit else { return nil }
        if isZero { isNegative = false }
    }

    var isZero: Bool { whole == [0] && fraction.isEmpty }
    var isWhole: Bool { fraction.isEmpty }

    /// The magnitude as an integer of at most 15 digits, and the number of decimals: 0.25 is (25, 2). `nil` if it
    /// is longer.
    var scaled: (value: Int, decimals: Int)? {
        let digits = whole + fraction
        guard digits.drop(while: { $0 == 0 }).count <= 15 else { return nil }
        return (digits.reduce(0) { $0 * 10 + Int($1) }, fraction.count)
    }

    /// Compares two numbers: -1 if `left` is smaller, 0 if they are equal, 1 if it is larger.
    static func compare(_ left: DecimalNumber, _ right: DecimalNumber) -> Int {
        if left.isNegative != right.isNegative { return left.isNegative ? -1 : 1 }
        let magnitude = compareMagnitudes(left, right)
        return left.isNegative ? -magnitude : magnitude
    }

    /// Compares two numbers without their signs.
    private static func compareMagnitudes(_ left: DecimalNumber, _ right: DecimalNumber) -> Int {
        if left.whole.count != right.whole.count { return left.whole.count < right.whole.count ? -1 : 1 }
        let (a, b) = (left.whole + left.fraction, right.whole + right.fraction)
        if a == b { return 0 }
        return a.lexicographicallyPrecedes(b) ? -1 : 1
    }

    /// Whether the quotient of this number and `divisor` is whole; `nil` if it cannot be computed exactly.
    func isMultiple(of divisor: DecimalNumber) -> Bool? {
        guard let (step, decimals) = divisor.scaled, step > 0 else { return nil }
        guard fraction.count <= decimals else { return false }
        let padded = whole + fraction + [UInt8](repeating: 0, count: decimals - fraction.count)
        return padded.reduce(0) { ($0 * 10 + Int($1)) % step } == 0
    }
}
