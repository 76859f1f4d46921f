/// The reason why a journal or its end is invalid.
enum JournalDamage: Error, Sendable, Equatable {
    case notAJournal
    /// `features` are the version of the frames in journals of version 3 and before.
    case olderVersion(UInt16, features: UInt16)
    case newerVersion(UInt16)
    /// Bits of features that this build does not know.
    case unknownFeatures(UInt16)
    /// A kind of record that this build does not know and may not skip.
    case unknownRecord(UInt8)
    /// A record has a value that this build does not know.
    case unknownValue(String)
    /// The file ends within a record, as after a power cut.
    case torn
    case wrongChecksum
    case wrongSequence
    /// A record, or the journal with it, exceeds the limit for written journals.
    case tooLarge(byteCount: Int)
    /// The checksum is right, but the contents are invalid.
    case unreadable(String)
    /// The journal has no complete head.
    case headless

    init(_ error: FieldError) {
        switch error {
        case .unknownCase: self = .unknownValue("\(error)")
        default: self = .unreadable("\(error)")
        }
    }

    /// Whether the journal is intact and was written by a newer build.
    var needsNewerBuild: Bool {
        switch self {
        case .newerVersion, .unknownFeatures, .unknownRecord, .unknownValue: true
        default: false
        }
    }
}

extension JournalDamage: CustomStringConvertible {
    var description: String {
        switch self {
        case .notAJournal: "it does not begin as a journal does"
        case .olderVersion(let version, let features):
            "it is of version \(version).\(features), and this build reads versions "
                + "\(Version3Journal.version).\(Version3Journal.frames) to \(JournalFormat.version)"
        case .newerVersion(let version):
            "it is of version \(version), and the newest that this build reads is \(JournalFormat.version)"
        case .unknownFeatures(let features): "it needs features that this build does not know: bits \(features)"
        case .unknownRecord(let kind): "it has a record of kind \(kind), which this build does not know"
        case .unknownValue(let text): "it has a value that this build does not know: \(text)"
        case .torn: "it ends within a record"
        case .wrongChecksum: "a checksum is wrong"
        case .wrongSequence: "a record is missing or came twice"
        case .tooLarge(let byteCount): "a record of \(byteCount) bytes is more than may be written"
        case .unreadable(let text): "a record cannot be read: \(text)"
        case .headless: "its beginning is missing"
        }
    }
}
