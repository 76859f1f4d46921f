/// How a generation's journal lies in its file: `design.md` has the layout.
package enum JournalFormat {
    /// Rises when builds of the version before would misread a journal. A field that they may skip does not raise it.
    package static let version: UInt16 = 4

    /// Bits of the features that this build knows. A journal that uses another feature needs a newer build.
    static let features: UInt16 = 0

    static let magic: [UInt8] = Array("mrtljrnl".utf8)
    static let headerByteCount = 12
    static let recordHeaderByteCount = 13
    /// Most bytes of a record's payload. The largest that is written holds a client's request.
    static let maximumPayloadByteCount = 256 << 20
    /// Most bytes of a journal.
    static let maximumByteCount = 1 << 30

    /// The header of what this build writes, which uses no feature.
    package static let header: [UInt8] = header(version: version, features: 0)

    /// The header of version 3.
    package static let version3Header: [UInt8] = Version3Journal.header

    static func header(version: UInt16, features: UInt16) -> [UInt8] { magic + bytes(version) + bytes(features) }

    /// Kinds from this number on may be skipped by a build that does not know them.
    static let firstSkippableKind: UInt8 = 128

    package enum Kind: UInt8, Sendable, CaseIterable {
        /// What was fixed at admission. The first record, and no other.
        case head = 1
        /// What the engine was asked.
        case request = 2
        /// What the engine told, in one go.
        case events = 3
        /// Readers were sent a sign of life.
        case ping = 4
        /// A server that was started again goes on with it.
        case resumed = 5
        /// The server was shut down while it ran.
        case handedOver = 6
        /// The same while events were missing that an earlier server told, so that readers were not told.
        case parted = 7
        /// An order was given that has a name or makes generations.
        case command = 8
        /// Numbers are left out before the end that follows.
        case leap = 9
    }

    /// Appends a record whose payload `body` appends.
    package static func append(
        _ kind: Kind, sequence: UInt32, to bytes: inout [UInt8], _ body: (inout [UInt8]) -> Void
    ) {
        append(kind.rawValue, sequence: sequence, to: &bytes, body)
    }

    static func append(
        _ kind: UInt8, sequence: UInt32, to bytes: inout [UInt8], _ body: (inout [UInt8]) -> Void
    ) {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: 8))
        bytes.append(kind)
        bytes.append(contentsOf: self.bytes(sequence))
        body(&bytes)
        let payloadByteCount = UInt32(truncatingIfNeeded: bytes.count - start - recordHeaderByteCount)
        let sum = CRC32C.of(bytes[(start + 8)...])
        bytes.replaceSubrange(start..<(start + 8), with: self.bytes(payloadByteCount) + self.bytes(sum))
    }

    static func bytes<Number: FixedWidthInteger>(_ number: Number) -> [UInt8] {
        (0..<(Number.bitWidth / 8)).map { UInt8(truncatingIfNeeded: number >> Number($0 * 8)) }
    }

    static func number<Number: FixedWidthInteger>(_ bytes: ArraySlice<UInt8>, as type: Number.Type) -> Number {
        bytes.reversed().reduce(0) { $0 << 8 | Number(truncatingIfNeeded: $1) }
    }
}
