import MartletFiles

/// The layout of a state file; `design.md` draws it.
///
/// All numbers are little-endian. Every byte of a file is covered by a checksum, and the size of the file follows from
/// its head, so that any flipped bit, any truncation and any appended byte is found.
package enum StateFileFormat {
    package static let magic: [UInt8] = Array("mrtlstat".utf8)
    package static let version: UInt16 = 1
    /// Magic, version, features, number of sections, fingerprint, size of the file.
    static let fixedByteCount = 8 + 2 + 2 + 4 + StateFingerprint.byteCount + 8
    /// Kind, value, size, checksum, and four bytes that are zero.
    static let sectionByteCount = 24
    static let checksumByteCount = 4

    /// The limits of what a reader accepts. No file that this build writes exceeds them.
    static let maximumItemCount = 1 << 24
    package static let maximumCheckpointCount = 1 << 10
    static let maximumAdapterCount = 1 << 10
    /// Key, items and state come once each; the rest are checkpoints.
    static let maximumSectionCount = 3 + maximumCheckpointCount

    enum Kind: UInt32 {
        /// Flags, first position, scope, adapters.
        case key = 1
        /// Four bytes per item.
        case items = 2
        case state = 3
        /// The value of the section is the number of items.
        case checkpoint = 4
    }

    struct Section: Equatable {
        var kind: Kind
        var value: UInt32
        var byteCount: Int
        var checksum: UInt32
    }

    /// The size of the head of a file with so many sections.
    static func headByteCount(sections: Int) -> Int { fixedByteCount + sections * sectionByteCount + checksumByteCount }

    static func append<Number: FixedWidthInteger>(_ number: Number, to bytes: inout [UInt8]) {
        for byte in 0..<(Number.bitWidth / 8) { bytes.append(UInt8(truncatingIfNeeded: number >> Number(byte * 8))) }
    }

    /// The number at `offset`, which must be within the bytes.
    static func number<Number: FixedWidthInteger>(
        _ bytes: ArraySlice<UInt8>, at offset: Int, as type: Number.Type
    ) -> Number {
        let start = bytes.startIndex + offset
        return bytes[start..<(start + Number.bitWidth / 8)].reversed()
            .reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }
}

// MARK: Writing

extension StateFileFormat {
    /// The parts of a file in their order. Large parts are the arrays of the state itself, not copies.
    ///
    /// - Returns: `nil` if the state exceeds a limit of the format.
    package static func parts(of stored: StoredState, fingerprint: StateFingerprint) -> [[UInt8]]? {
        guard stored.items.count <= maximumItemCount, stored.checkpoints.count <= maximumCheckpointCount,
            stored.key.adapters.count <= maximumAdapterCount, stored.firstPosition >= 0,
            stored.firstPosition <= stored.items.count, !stored.items.isEmpty
        else { return nil }
        let key = keyBytes(of: stored)
        let items = itemBytes(stored.items)
        var sections = [section(.key, key), section(.items, items), section(.state, stored.state)]
        sections += stored.checkpoints.map { section(.checkpoint, $0.bytes, value: UInt32($0.itemCount)) }
        let bodies = [key, items, stored.state] + stored.checkpoints.map(\.bytes)
        return [head(sections, fingerprint: fingerprint)] + bodies
    }

    private static func section(_ kind: Kind, _ bytes: [UInt8], value: UInt32 = 0) -> Section {
        Section(kind: kind, value: value, byteCount: bytes.count, checksum: CRC32C.of(bytes[...]))
    }

    private static func head(_ sections: [Section], fingerprint: StateFingerprint) -> [UInt8] {
        var bytes = magic
        append(version, to: &bytes)
        append(UInt16(0), to: &bytes)
        append(UInt32(sections.count), to: &bytes)
        bytes += fingerprint.bytes
        let total = sections.reduce(headByteCount(sections: sections.count)) { $0 + $1.byteCount }
        append(UInt64(total), to: &bytes)
        for section in sections {
            append(section.kind.rawValue, to: &bytes)
            append(section.value, to: &bytes)
            append(UInt64(section.byteCount), to: &bytes)
            append(section.checksum, to: &bytes)
            append(UInt32(0), to: &bytes)
        }
        append(CRC32C.of(bytes[...]), to: &bytes)
        return bytes
    }

    private static func keyBytes(of stored: StoredState) -> [UInt8] {
        var bytes: [UInt8] = []
        append(UInt32(stored.isPinned ? 1 : 0), to: &bytes)
        append(UInt32(stored.firstPosition), to: &bytes)
        append(stored.key.scope, to: &bytes)
        for adapter in stored.key.adapters {
            append(adapter.index, to: &bytes)
            append(adapter.scaleBits, to: &bytes)
        }
        return bytes
    }

    private static func itemBytes(_ items: [Int32]) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(items.count * 4)
        for item in items { append(UInt32(bitPattern: item), to: &bytes) }
        return bytes
    }
}
