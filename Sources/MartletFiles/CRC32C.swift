/// The checksum of Castagnoli's polynomial, as iSCSI, ext4 and others use it (RFC 3720, appendix B.4).
///
/// Every change of a single bit, and every change within 32 adjacent bits, changes the checksum.
package enum CRC32C {
    /// The checksum of `bytes`.
    ///
    /// - Complexity: eight bytes per round.
    package static func of(_ bytes: ArraySlice<UInt8>) -> UInt32 { bytes.withUnsafeBufferPointer { of($0) } }

    /// The checksum of a buffer. It is only read during the call.
    package static func of(_ bytes: UnsafeBufferPointer<UInt8>) -> UInt32 {
        var state: UInt32 = ~0
        tables.withUnsafeBufferPointer { tables in
            var index = 0
            while index + 8 <= bytes.count {
                for byte in 0..<4 { state ^= UInt32(bytes[index + byte]) << UInt32(8 * byte) }
                var next: UInt32 = 0
                for byte in 0..<4 {
                    next ^= tables[(7 - byte) * 256 + Int(state >> UInt32(8 * byte) & 0xFF)]
                    next ^= tables[(3 - byte) * 256 + Int(bytes[index + 4 + byte])]
                }
                state = next
                index += 8
            }
            while index < bytes.count {
                state = state >> 8 ^ tables[Int((state ^ UInt32(bytes[index])) & 0xFF)]
                index += 1
            }
        }
        return ~state
    }

    /// Eight tables: the n-th one is for a byte that n others follow.
    private static let tables: [UInt32] = {
        var tables = [UInt32](repeating: 0, count: 8 * 256)
        for byte in 0..<256 {
            var value = UInt32(byte)
            for _ in 0..<8 { value = value & 1 == 1 ? value >> 1 ^ 0x82F6_3B78 : value >> 1 }
            tables[byte] = value
        }
        for index in 256..<tables.count {
            let before = tables[index - 256]
            tables[index] = before >> 8 ^ tables[Int(before & 0xFF)]
        }
        return tables
    }()
}
