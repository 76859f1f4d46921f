/// The storage layout of a tensor type: blocks of a number of elements and bytes. F32 is (1, 4), Q4_0 is (32, 18).
package struct GGUFTensorType: Sendable, Equatable {
    package let blockLength: UInt64
    package let blockByteCount: UInt64

    /// - Parameter number: the type's number in the file, `ggml_type`.
    /// - Returns: `nil` for an unknown number.
    package init?(number: UInt32) {
        guard let (length, bytes) = Self.table[number] else { return nil }
        blockLength = length
        blockByteCount = bytes
    }

    /// Numbers that older files use and that no current libllama loads.
    package static let removed: Set<UInt32> = [4, 5, 31, 32, 33, 36, 37, 38]

    /// All known numbers, ascending.
    package static var numbers: [UInt32] { table.keys.sorted() }

    /// Elements and bytes of a block, by number; from `ggml.c`.
    private static let table: [UInt32: (UInt64, UInt64)] = [
        0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34), 9: (32, 36),
        10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210), 15: (256, 292),
        16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18), 21: (256, 110), 22: (256, 82),
        23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8), 28: (1, 8), 29: (256, 56), 30: (1, 2),
        34: (256, 54), 35: (256, 66), 39: (32, 17), 40: (64, 36), 41: (128, 18), 42: (64, 18),
    ]
}
