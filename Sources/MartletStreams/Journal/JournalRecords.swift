internal import MartletFiles

/// Reads the records of a journal in their order, with a single record in memory at a time.
///
/// The header of a record is checked before its payload is read, so an invalid record costs neither memory nor time.
struct JournalRecords {
    enum Next {
        case record(JournalFormat.Kind, ArraySlice<UInt8>)
        case damage(JournalDamage)
        case end
    }

    /// Of the file header and the records so far.
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
        guard let kind = JournalFormat.Kind(rawValue: head[start + 8]) else {
            return .damage(.unreadable("kind \(head[start + 8])"))
        }
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
        return .record(kind, record.dropFirst(JournalFormat.recordHeaderByteCount))
    }

    private mutating func readHeader(
        in source: borrowing some JournalSource & ~Copyable
    ) throws(FileError) -> JournalDamage? {
        let bytes = try bytes(JournalFormat.headerByteCount, in: source)
        guard bytes.starts(with: JournalFormat.magic), bytes.count == JournalFormat.headerByteCount else {
            return .notAJournal
        }
        guard bytes.elementsEqual(JournalFormat.header) else {
            return .otherVersion(
                format: JournalFormat.number(bytes[8..<10], as: UInt16.self),
                frames: JournalFormat.number(bytes[10..<12], as: UInt16.self))
        }
        byteCount = JournalFormat.headerByteCount
        return nil
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
