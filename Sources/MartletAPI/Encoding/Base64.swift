/// Base64 of RFC 4648, with padding.
package enum Base64 {
    /// The standard alphabet (RFC 4648, table 1).
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// Encodes the little-endian bytes of 32-bit floats, without a copy of the bytes.
    /// - Complexity: O(n) with one allocation.
    static func encode(_ values: [Float]) -> [UInt8] {
        var encoder = Encoder(byteCount: values.count * 4)
        for value in values {
            for shift in stride(from: UInt32(0), to: 32, by: 8) { encoder.append(value.bitPattern >> shift & 0xFF) }
        }
        return encoder.finish()
    }

    /// Encodes bytes with padding.
    package static func encode(_ bytes: [UInt8]) -> [UInt8] {
        var encoder = Encoder(byteCount: bytes.count)
        for byte in bytes { encoder.append(UInt32(byte)) }
        return encoder.finish()
    }

    /// Decodes base64 and base64url (RFC 4648, 4 and 5), with or without padding.
    /// - Returns: nil if the text has another character or an impossible length.
    package static func decode(_ text: String) -> [UInt8]? {
        var digits = Array(text.utf8)[...]
        while digits.last == UInt8(ascii: "="), text.utf8.count - digits.count < 2 { digits.removeLast() }
        guard digits.count % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        var bits: UInt32 = 0
        var count = 0
        for digit in digits {
            guard let value = value(of: digit) else { return nil }
            bits = bits << 6 | value
            count += 6
            guard count >= 8 else { continue }
            count -= 8
            bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(count)))
        }
        return bytes
    }

    /// The six bits that a digit stands for; nil for another character.
    private static func value(of digit: UInt8) -> UInt32? {
        switch digit {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): UInt32(digit - UInt8(ascii: "A"))
        case UInt8(ascii: "a")...UInt8(ascii: "z"): UInt32(digit - UInt8(ascii: "a")) + 26
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt32(digit - UInt8(ascii: "0")) + 52
        case UInt8(ascii: "+"), UInt8(ascii: "-"): 62
        case UInt8(ascii: "/"), UInt8(ascii: "_"): 63
        default: nil
        }
    }

    /// Collects three bytes and writes four digits.
    private struct Encoder {
        private var text: [UInt8] = []
        /// At most 24 bits that are not written yet.
        private var bits: UInt32 = 0
        private var count = 0

        init(byteCount: Int) { text.reserveCapacity((byteCount + 2) / 3 * 4) }

        /// - Parameter byte: 0 to 255.
        mutating func append(_ byte: UInt32) {
            bits = bits << 8 | byte
            count += 1
            guard count == 3 else { return }
            write(4)
            bits = 0
            count = 0
        }

        /// Writes the last one or two bytes with padding.
        mutating func finish() -> [UInt8] {
            if count > 0 {
                bits <<= 8 * UInt32(3 - count)
                write(count + 1)
                text.append(contentsOf: repeatElement(UInt8(ascii: "="), count: 3 - count))
            }
            return text
        }

        /// Writes the first `count` digits of the 24 bits.
        private mutating func write(_ count: Int) {
            for digit in 0..<count { text.append(Base64.digits[Int(bits >> (18 - 6 * UInt32(digit)) & 0x3F)]) }
        }
    }
}
