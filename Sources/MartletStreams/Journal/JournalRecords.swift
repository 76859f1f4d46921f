internal import MartletFiles

/// Reads the records of a journal in their order, in the form in which the file has them, with a single record in
/// memory at a time.
///
/// The header of a record is checked before its payload is read, so an invalid record costs neither memory nor time.
struct JournalRecords {
    enum Next {
        case record(kind: UInt8, ArraySlice<UInt8>)
        case damage(JournalDamage)
        case end
    }

    /// The version in the header; 0 = there is no header.
    private(set) var version: UInt16 = 0
    /// The size of the file header and the records so far.
    private(set) var byteCount = 0
    private(set) var recordCount: UInt32 = 0
    private var window: [UInt8] = []
    private var windowStart = 0

    private static let windowByteCount = 65_536

    mutating func next(in source: borrowing some JournalSource & ~Copyable) throws(FileError) -> Next {
        if byteCount == 0, let damage = try readHeader(in: source) { return .damage(damage) }
        guard byteCount < source.byteCount else { return .end }
        let head = try bytes(JournalFormat.recordHeaderByteCount, in: source)
        guard head.count == JournalFormat.recordHeaderByteCount else { return .damage(.torn) }
        let start = head.startIndex
        guard JournalFormat.number(head[(start + 9)...], as: UInt32.self) == recordCount else {
            return .damage(.wrongSequence)
        }
        let payloadByteCount = Int(JournalFormat.number(head[start..<(start + 4)], as: UInt32.self))
        let recordByteCount = JournalFormat.recordHeaderByteCount + payloadByteCount
        guard byteCount + recordByteCount <= source.byteCount else { return .damage(.torn) }
        guard payloadByteCount <= JournalFormat.maximumPayloadByteCount,
            byteCount + recordByteCount <= JournalFormat.maximumByteCount
        else { return .damage(.tooLarge(byteCount: payloadByteCount)) }
        let record = try bytes(recordByteCount, in: source)
        guard record.count == recordByteCount else { return .damage(.torn) }
        let sum = JournalFormat.number(record.dropFirst(4).prefix(4), as: UInt32.self)
        guard CRC32C.of(record.dropFirst(8)) == sum else { return .damage(.wrongChecksum) }
        byteCount += recordByteCount
        recordCount += 1
        return .record(kind: head[start + 8], record.dropFirst(JournalFormat.recordHeaderByteCount))
    }

    private mutating func readHeader(
        in source: borrowing some JournalSource & ~Copyable
    ) throws(FileError) -> JournalDamage? {
        let bytes = try bytes(JournalFormat.headerByteCount, in: source)
        guard bytes.count == JournalFormat.headerByteCount else { return .notAJournal }
        version = JournalFormat.number(bytes[8..<10], as: UInt16.self)
        if let damage = Self.damage(ofHeader: bytes) { return damage }
        byteCount = JournalFormat.headerByteCount
        return nil
    }

    /// The reason why this build cannot read a journal with this header; `nil` = it can.
    static func damage(ofHeader bytes: ArraySlice<UInt8>) -> JournalDamage? {
        let bytes = bytes.prefix(JournalFormat.headerByteCount)
        guard bytes.starts(with: JournalFormat.magic), bytes.count == JournalFormat.headerByteCount else {
            return .notAJournal
        }
        let version = JournalFormat.number(bytes.dropFirst(8).prefix(2), as: UInt16.self)
        let features = JournalFormat.number(bytes.dropFirst(10), as: UInt16.self)
        if version > JournalFormat.version { return .newerVersion(version) }
        if version == JournalFormat.version {
            let unknown = features & ~JournalFormat.features
            return unknown == 0 ? nil : .unknownFeatures(unknown)
        }
        if version == Version3Journal.version, features == Version3Journal.frames { return nil }
        return .olderVersion(version, features: features)
    }

    /// The next `count` bytes, or fewer where the journal ends.
    private mutating func bytes(
        _ count: Int, in source: borrowing some JournalSource & ~Copyable
    ) throws(FileError) -> ArraySlice<UInt8> {
        if byteCount + count > windowStart + window.count {
            window = try source.read(
                at: byteCount, count: min(max(count, Self.windowByteCount), source.byteCount - byteCount))
            windowStart = byteCount
        }
        return window[(byteCount - windowStart)...].prefix(count)
    }
}
