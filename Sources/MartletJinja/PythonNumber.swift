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
        var digits = DecimalDigits(value.magnitude)
        return sign + digits.rounded(decimals: decimals)
    }

    /// Python's `//` and `%`: the quotient rounds down, the remainder has the divisor's sign. nil on overflow.
    static func floorDivision(_ left: Int, by right: Int) -> (quotient: Int, remainder: Int)? {
        let (quotient, overflow) = left.dividedReportingOverflow(by: right)
        if overflow { return nil }
        let remainder = left - quotient * right
        if remainder != 0, (remainder < 0) != (right < 0) { return (quotient - 1, remainder + right) }
        return (quotient, remainder)
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

    /// The number with this many decimals, rounded half to even.
    mutating func rounded(decimals: Int) -> String {
        var kept = whole + fraction.prefix(decimals)
        let rest = fraction.dropFirst(decimals)
        if let next = rest.first {
            let isTie = next == 5 && rest.dropFirst().allSatisfy { $0 == 0 }
            let isOdd = (kept.last ?? 0) % 2 == 1
            if next > 5 || (next == 5 && (!isTie || isOdd)) {
                var index = kept.count - 1
                while index >= 0, kept[index] == 9 {
                    kept[index] = 0
                    index -= 1
                }
                if index >= 0 { kept[index] += 1 } else { kept.insert(1, at: 0) }
            }
        }
        let missing = max(0, decimals - fraction.count)
        let text = String(decoding: kept.map { $0 + 48 }, as: UTF8.self) + String(repeating: "0", count: missing)
        var integer = Substring(text.prefix(text.utf8.count - decimals))
        while integer.count > 1, integer.first == "0" { integer.removeFirst() }
        return decimals == 0 ? String(integer) : "\(integer).\(text.suffix(decimals))"
    }
}
