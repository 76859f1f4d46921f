internal import MartletFiles

/// Reads the records of a journal of any version that this build reads, in the form of the current version.
struct CurrentRecords {
    enum Next {
        case record(JournalFormat.Kind, ArraySlice<UInt8>)
        /// A record that this build may ignore.
        case skipped
        case damage(JournalDamage)
        case end
    }

    private(set) var records = JournalRecords()
    private var version3 = Version3Journal()

    mutating func next(in source: borrowing some JournalSource & ~Copyable) throws(FileError) -> Next {
        switch try records.next(in: source) {
        case .record(let kind, let payload):
            if records.version == Version3Journal.version { return translated(kind, payload) }
            if let kind = JournalFormat.Kind(rawValue: kind) { return .record(kind, payload) }
            return kind >= JournalFormat.firstSkippableKind ? .skipped : .damage(.unknownRecord(kind))
        case .damage(let damage): return .damage(damage)
        case .end: return .end
        }
    }

    private mutating func translated(_ kind: UInt8, _ payload: ArraySlice<UInt8>) -> Next {
        do throws(FieldError) {
            let record = try version3.record(kind, payload)
            var bytes: [UInt8] = []
            JournalFieldWriter.append(to: &bytes) { record.write(to: &$0) }
            return .record(record.kind, bytes[...])
        } catch {
            return .damage(JournalDamage(error))
        }
    }
}
