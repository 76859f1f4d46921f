/// Short ids of tool calls, as some templates demand them: nine letters and digits.
package enum ShortCallID {
    private static let length = 9
    private static let digits = Array("0123456789abcdefghijklmnopqrstuvwxyz".utf8)

    /// Whether `id` has exactly nine letters and digits.
    package static func isShort(_ id: String) -> Bool {
        id.utf8.count == length
            && id.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || $0.properties.numericType != nil)
            }
    }

    /// The short id for `id`: `id` itself if it is short, otherwise a hash of it.
    package static func short(for id: String) -> String {
        if isShort(id) { return id }
        // FNV-1a, followed by a mix, so that ids that differ only at their ends differ in all digits.
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in id.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        hash = (hash ^ (hash >> 31)) &* 0x94D0_49BB_1331_11EB
        hash ^= hash >> 29
        var text: [UInt8] = []
        for _ in 0..<length {
            text.append(digits[Int(hash % UInt64(digits.count))])
            hash /= UInt64(digits.count)
        }
        return String(decoding: text, as: UTF8.self)
    }
}
