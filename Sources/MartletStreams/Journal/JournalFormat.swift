internal import MartletProtocol

/// How a generation's journal lies in its file.
///
/// First the eight bytes `mrtljrnl`, then two 16-bit versions: of this format, and of the frames in whose form requests
/// and events are written. Then records, each
///
/// | bytes | what |
/// | --- | --- |
/// | 4 | how many bytes the payload has |
/// | 4 | CRC-32C of all that follows |
/// | 1 | kind |
/// | 4 | how many records come before it |
/// | – | payload |
///
/// Of several choices, requests and events carry the choice's number for a handle; of one, the handle means nothing.
///
/// All numbers are little-endian. Records are only ever added at the end; the first bad one ends what counts.
package enum JournalFormat {
    /// Raised with every change of what is written.
    static let version: UInt16 = 3

    static let magic: [UInt8] = Array("mrtljrnl".utf8)
    static let headerByteCount = 12
    static let recordHeaderByteCount = 13
    /// Most bytes of a record's payload. The largest that is written holds a client's request.
    static let maximumPayloadByteCount = 256 << 20
    /// Most bytes of a journal.
    static let maximumByteCount = 1 << 30

    package static let header: [UInt8] = magic + bytes(version) + bytes(FrameFormat.version)

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
        case order = 8
        /// Numbers are left out before the end that follows.
        case leap = 9
    }

    /// Appends a record whose payload `body` appends.
    package static func append(
        _ kind: Kind, sequence: UInt32, to bytes: inout [UInt8], _ body: (inout [UInt8]) -> Void
    ) {
        let start = bytes.count
        bytes.append(contentsOf: repeatElement(0, count: 8))
        bytes.append(kind.rawValue)
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

/// Why a journal, or its end, does not count.
enum JournalDamage: Error, Sendable, Equatable {
    case notAJournal
    case otherVersion(format: UInt16, frames: UInt16)
    /// The file ends within a record, as after a power cut.
    case torn
    case wrongChecksum
    case wrongSequence
    /// A record, or the journal with it, is larger than any that is written.
    case tooLarge(byteCount: Int)
    /// The checksum is right and the contents are not.
    case unreadable(String)
    /// There is no whole head.
    case headless
}

extension JournalDamage: CustomStringConvertible {
    var description: String {
        switch self {
        case .notAJournal: "it does not begin as a journal does"
        case .otherVersion(let format, let frames):
            "it is of version \(format).\(frames), and this program writes "
                + "\(JournalFormat.version).\(FrameFormat.version)"
        case .torn: "it ends within a record"
        case .wrongChecksum: "a checksum is wrong"
        case .wrongSequence: "a record is missing or came twice"
        case .tooLarge(let byteCount): "a record of \(byteCount) bytes is more than may be written"
        case .unreadable(let what): "a record cannot be read: \(what)"
        case .headless: "its beginning is missing"
        }
    }
}
