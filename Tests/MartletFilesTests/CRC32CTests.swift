import Testing

@testable import MartletFiles

/// The checksum has the values of RFC 3720, and changes with each bit.
@Suite struct CRC32CTests {
    @Test func theChecksumIsCastagnolis() {
        #expect(CRC32C.of(Array("123456789".utf8)[...]) == 0xE306_9283)
        #expect(CRC32C.of([UInt8](repeating: 0, count: 32)[...]) == 0x8A91_36AA)
        #expect(CRC32C.of([UInt8](repeating: 0xFF, count: 32)[...]) == 0x62A8_AB43)
        #expect(CRC32C.of((0..<32).map { UInt8($0) }[...]) == 0x46DD_794E)
        #expect(CRC32C.of([]) == 0)
    }

    @Test func everyFlippedBitChangesTheChecksum() {
        let bytes = (0..<67).map { UInt8(truncatingIfNeeded: $0 &* 37) }
        let sum = CRC32C.of(bytes[...])
        for bit in 0..<(bytes.count * 8) {
            var changed = bytes
            changed[bit / 8] ^= 1 << UInt8(bit % 8)
            #expect(CRC32C.of(changed[...]) != sum, "bit \(bit)")
        }
    }
}
