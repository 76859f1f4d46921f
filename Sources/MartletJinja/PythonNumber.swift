/// Numbers as Python prints and computes them.
///
///     1.0 -> "1.0"    1e16 -> "1e+16"    0.1 + 0.2 -> "0.30000000000000004"    -7 // 2 -> -4    -7 % 2 -> 1
///
/// Swift and C print floats differently (`1e+16`, `5.0e-324`), and C's division rounds towards zero. Prompts must not
/// depend on that, because models were trained on Python's text.
enum PythonNumber {
    /// Python's `repr` of a float: the shortest digits that parse to the same value. With an exponent below 1e-4 and
    /// from 1e16 on: `0.0001`, `1e-05`, `1e+16`.
    static func text(of value: Double) -> String {
        if value.isNaN { return "nan" }
        if value.isInfinite { return value < 0 ? "-inf" : "inf" }
        if value == 0 { return value.sign == .minus ? "-0.0" : "0.0" }
        let (digits, exponent) = decimal(of: value.magnitude)
        let sign = value < 0 ? "-" : ""
        // The value is 0.d₁d₂… × 10^exponent.
        if exponent > 16 || exponent < -3 {
            let power = exponent - 1
            let rest = digits.dropFirst()
            let mantissa = String(digits.prefix(1)) + (rest.isEmpty ? "" : "." + rest)
            let magnitude = abs(power) < 10 ? "0\(abs(power))" : "\(abs(power))"
            return "\(sign)\(mantissa)e\(power < 0 ? "-" : "+")\(magnitude)"
        }
        if exponent <= 0 { return "\(sign)0.\(String(repeating: "0", count: -exponent))\(digits)" }
        if digits.count <= exponent {
            return "\(sign)\(digits)\(String(repeating: "0", count: exponent - digits.count)).0"
        }
        return "\(sign)\(digits.prefix(exponent)).\(digits.dropFirst(exponent))"
    }

    /// The shortest digits without zeros at both ends, and the exponent of ten if the point stands in front of them.
    private static func decimal(of value: Double) -> (digits: String, exponent: Int) {
        let parts = value.description.split(separator: "e")
        var exponent = parts.count > 1 ? Int(parts[1]) ?? 0 : 0
        let mantissa = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        var digits = Array(mantissa.joined())
        exponent += mantissa[0].count
        while digits.count > 1, digits.first == "0" {
            digits.removeFirst()
            exponent -= 1
        }
        while digits.count > 1, digits.last == "0" { digits.removeLast() }
        return (String(digits), exponent)
    }

    /// Python's `format(value, ".nf")`: rounded half to even on the exact binary value. `0.125` with 2 decimals is
    /// `0.12`; `2.675` is `2.67`, as the binary value is below the tie.
    static func fixed(_ value: Double, decimals: Int) -> String {
        if !value.isFinite { return text(of: value) }
        let sign = value.sign == .minus ? "-" : ""
        // Long division on digits: exact for every double, with at most about 1,100 digits. C's `printf` depends on
        // the locale.
        let digits = DecimalDigits(value.magnitude)
        return sign + digits.rounded(decimals: decimals)
    }

    /// Python's `format(value, ".ne")`: a digit in front of the point, `decimals` behind it, and an exponent of two digits
    /// or more. `12.0` with 2 decimals is `1.20e+01`.
    static func exponential(_ value: Double, decimals: Int) -> String {
        if !value.isFinite { return text(of: value) }
        let (digits, power) = DecimalDigits(value.magnitude).significant(decimals + 1)
        return (value.sign == .minus ? "-" : "") + mantissa(digits) + exponent(power)
    }

    /// Python's `format(value, ".ng")`: `precision` significant digits without zeros at the end, with an exponent below
    /// 1e-4 and from 10 to the power of `precision` on.
    /// - Parameter showsPoint: For a format without a letter: a number without an exponent has a decimal, and the exponent
    ///   begins one power earlier.
    static func general(_ value: Double, precision: Int, showsPoint: Bool = false) -> String {
        if !value.isFinite { return text(of: value) }
        let count = max(precision, 1)
        var (digits, power) = DecimalDigits(value.magnitude).significant(count)
        while digits.count > 1, digits.last == 0 { digits.removeLast() }
        let sign = value.sign == .minus ? "-" : ""
        guard (-4..<count - (showsPoint ? 1 : 0)).contains(power) else {
            return sign + mantissa(digits) + exponent(power)
        }
        let text = String(decoding: digits.map { $0 + 48 }, as: UTF8.self)
        if power < 0 { return sign + "0." + String(repeating: "0", count: -power - 1) + text }
        let missing = max(0, power + 1 - digits.count)
        let whole = text.prefix(power + 1) + String(repeating: "0", count: missing)
        let fraction = text.dropFirst(power + 1)
        return sign + whole + (fraction.isEmpty ? (showsPoint ? ".0" : "") : "." + fraction)
    }

    /// The digits with a point behind the first one.
    private static func mantissa(_ digits: [UInt8]) -> String {
        let text = String(decoding: digits.map { $0 + 48 }, as: UTF8.self)
        return text.count == 1 ? text : text.prefix(1) + "." + text.dropFirst()
    }

    /// `e+05`: a sign and at least two digits.
    private static func exponent(_ power: Int) -> String {
        "e" + (power < 0 ? "-" : "+") + (abs(power) < 10 ? "0" : "") + "\(abs(power))"
    }

    /// Python's `//` and `%`: the quotient rounds down, the remainder has the divisor's sign. nil on overflow.
    static func floorDivision(_ left: Int, by right: Int) -> (quotient: Int, remainder: Int)? {
        let (quotient, overflow) = left.dividedReportingOverflow(by: right)
        if overflow { return nil }
        let remainder = left - quotient * right
        if remainder != 0, (remainder < 0) != (right < 0) { return (quotient - 1, remainder + right) }
        return (quotient, remainder)
    }

    /// Python's `//` and `%` of floats: the remainder is exact and has the divisor's sign, and the quotient is the whole
    /// number that belongs to it. `3.0 // 0.1` is 29.0, as 0.1 is a little more than a tenth.
    /// - Parameter right: Not zero.
    static func floorDivision(_ left: Double, by right: Double) -> (quotient: Double, remainder: Double) {
        var remainder = left.truncatingRemainder(dividingBy: right)
        var quotient = (left - remainder) / right
        if remainder == 0 {
            remainder = Double(signOf: right, magnitudeOf: 0)
        } else if (remainder < 0) != (right < 0) {
            remainder += right
            quotient -= 1
        }
        guard quotient != 0 else { return (Double(signOf: left / right, magnitudeOf: 0), remainder) }
        let whole = quotient.rounded(.down)
        return (quotient - whole > 0.5 ? whole + 1 : whole, remainder)
    }

    /// An integer power, by repeated squaring. nil on overflow.
    /// - Parameter exponent: not negative.
    static func power(_ base: Int, _ exponent: Int) -> Int? {
        var result = 1
        var factor = base
        var rest = exponent
        while rest > 0 {
            if rest & 1 == 1 {
                let (product, overflow) = result.multipliedReportingOverflow(by: factor)
                if overflow { return nil }
                result = product
            }
            rest >>= 1
            if rest > 0 {
                let (square, overflow) = factor.multipliedReportingOverflow(by: factor)
                if overflow { return nil }
                factor = square
            }
        }
        return result
    }
}

/// All decimal digits of a finite, non-negative double. Exact, as every binary fraction has finitely many decimals.
private struct DecimalDigits {
    /// The digits in front of the point, the most significant first.
    private var whole: [UInt8] = []
    /// The digits behind the point.
    private var fraction: [UInt8] = []

    /// The digits of a value. At most 1,074 multiplications of a digit array.
    init(_ value: Double) {
        // value = significand × 2^shift, both integers.
        var significand = value.significandBitPattern
        var shift = Int(value.exponentBitPattern) - 1075
        if value.exponentBitPattern == 0 { shift += 1 } else { significand |= 1 << 52 }
        var digits: [UInt8] = String(significand).utf8.reversed().map { $0 - 48 }
        if shift >= 0 {
            for _ in 0..<shift { Self.multiply(&digits, by: 2) }
            whole = digits.reversed()
            return
        }
        // Each multiplication by 5 moves the point by one decimal to the left, since 2⁻¹ = 5 × 10⁻¹.
        for _ in 0..<(-shift) { Self.multiply(&digits, by: 5) }
        while digits.count <= -shift { digits.append(0) }
        fraction = digits[..<(-shift)].reversed()
        whole = digits[(-shift)...].reversed()
    }

    /// Multiplies a number by a small factor. Digits have the least significant first.
    private static func multiply(_ digits: inout [UInt8], by factor: UInt8) {
        var carry: UInt8 = 0
        for index in digits.indices {
            let product = digits[index] * factor + carry
            digits[index] = product % 10
            carry = product / 10
        }
        if carry > 0 { digits.append(carry) }
    }

    /// The first `count` digits that are not leading zeros, rounded half to even, and the power of ten of the first one.
    /// Zero has zeros and the power 0.
    func significant(_ count: Int) -> (digits: [UInt8], power: Int) {
        let all = whole + fraction
        guard let first = all.firstIndex(where: { $0 != 0 }) else {
            return ([UInt8](repeating: 0, count: count), 0)
        }
        var digits = Array(all[first...].prefix(count))
        let rest = all[first...].dropFirst(count)
        var power = whole.count - 1 - first
        if Self.roundsUp(digits, rest), !Self.increment(&digits) {
            digits = [1] + digits.dropLast()
            power += 1
        }
        return (digits + [UInt8](repeating: 0, count: count - digits.count), power)
    }

    /// Whether digits are rounded up because of those behind them. Ties go to the even digit.
    private static func roundsUp(_ digits: [UInt8], _ rest: ArraySlice<UInt8>) -> Bool {
        guard let next = rest.first, next >= 5 else { return false }
        return next > 5 || rest.dropFirst().contains { $0 != 0 } || (digits.last ?? 0) % 2 == 1
    }

    /// Adds one to the last digit.
    /// - Returns: `false` if all digits were 9 and are 0 now.
    private static func increment(_ digits: inout [UInt8]) -> Bool {
        for index in digits.indices.reversed() {
            if digits[index] < 9 {
                digits[index] += 1
                return true
            }
            digits[index] = 0
        }
        return false
    }

    /// The number with this many decimals, rounded half to even.
    func rounded(decimals: Int) -> String {
        var kept = whole + fraction.prefix(decimals)
        let rest = fraction.dropFirst(decimals)
        if Self.roundsUp(kept, rest), !Self.increment(&kept) { kept.insert(1, at: 0) }
        let missing = max(0, decimals - fraction.count)
        let text = String(decoding: kept.map { $0 + 48 }, as: UTF8.self) + String(repeating: "0", count: missing)
        var integer = Substring(text.prefix(text.utf8.count - decimals))
        while integer.count > 1, integer.first == "0" { integer.removeFirst() }
        return decimals == 0 ? String(integer) : "\(integer).\(text.suffix(decimals))"
    }
}
