/// Base64 of RFC 4648, with padding.
enum Base64 {
    private static let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The bytes of 32-bit floats, lowest first.
    static func encode(_ values: [Float]) -> [UInt8] {
        var text: [UInt8] = []
        text.reserveCapacity((values.count * 4 + 2) / 3 * 4)
        var bits: UInt32 = 0
        var count = 0
        for value in values {
            for shift in stride(from: UInt32(0), to: 32, by: 8) {
                bits = bits << 8 | (value.bitPattern >> shift) & 0xFF
                count += 1
                if count == 3 {
                    append(bits, digits: 4, to: &text)
                    bits = 0
                    count = 0
                }
            }
        }
        if count > 0 {
            append(bits << (8 * UInt32(3 - count)), digits: count + 1, to: &text)
            text.append(contentsOf: repeatElement(UInt8(ascii: "="), count: 3 - count))
        }
        return text
    }

    private static func append(_ bits: UInt32, digits count: Int, to text: inout [UInt8]) {
        for place in 0..<count { text.append(digits[Int(bits >> (18 - 6 * UInt32(place)) & 0x3F)]) }
    }
}
