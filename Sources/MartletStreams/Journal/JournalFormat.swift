internal import MartletFiles

/// The layout of a journal's file; `design.md` describes it.
package enum JournalFormat {
    /// The version of the format. It rises when builds of the previous version would misread a journal. A new field
    /// that older builds may skip does not raise it.
    package static let version: UInt16 = 4

    /// Bits of the features that this build knows. A journal that uses another feature needs a newer build.
    static let features: UInt16 = 0

    static let magic: [UInt8] = Array("mrtljrnl".utf8)
    static let headerByteCount = 12
    static let recordHeaderByteCount = 13
    /// The maximum size of a record's payload in bytes. The largest records contain a client's request.
    static let maximumPayloadByteCount = 256 << 20
    /// The maximum size of a journal in bytes.
    static let maximumByteCount = 1 << 30

    /// The header that this build writes, which uses no feature.
    package static let header: [UInt8] = header(version: version, features: 0)

    /// The header of version 3.
    package static let version3Header: [UInt8] = Version3Journal.header

    static func header(version: UInt16, features: UInt16) -> [UInt8] { magic + bytes(version) + bytes(features) }

    /// Kinds from this number on may be skipped by a build that does not know them.
    static let firstSkippableKind: UInt8 = 128

    /// The kind of a record. The raw values are in files.
    package enum Kind: UInt8, Sendable, CaseIterable {
        /// The generation's spec. The first record, and no other one.
        case head = 1
        /// The request of one choice, as the engine received it.
        case request = 2
        /// The engine's events of one or more frames.
        case events = 3
        /// A ping in the log.
        case ping = 4
        /// A restarted server continues the generation.
        case resumed = 5
        /// The server was shut down while the generation ran, and readers received an event that says so.
        case handedOver = 6
        /// The server was shut down while the log lacked events of an earlier server, so readers received no event.
        case handedOverIncomplete = 7
        /// A client sent a control command that has a request id or makes forks.
        case command = 8
        /// Event numbers are skipped before the terminal event that follows.
        case skippedNumbers = 9
    }

    /// Appends a record. `body` appends its payload.
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
