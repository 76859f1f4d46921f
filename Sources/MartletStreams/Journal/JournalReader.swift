package import MartletFiles

/// Reads the valid records of a journal. Any bytes are accepted as input.
package enum JournalReader {
    /// The valid part of a journal.
    package struct Result: Sendable {
        /// `nil` = the journal has no valid head.
        package var generation: StoredGeneration?
        /// The reason why the bytes after the valid records are invalid; `nil` = there are none.
        package var damage: String?
        /// The journal's format version; 0 = the bytes are no journal.
        package var version: UInt16 = 0
        /// Whether a newer build has written the journal, so that no byte of it may be lost.
        package var needsNewerBuild = false
    }

    /// Reads up to the first invalid record.
    ///
    /// - Complexity: O(bytes of valid records), in time and memory.
    /// - Throws: when the source cannot be read. Its contents may be valid.
    package static func read(_ source: borrowing some JournalSource & ~Copyable) throws(FileError) -> Result {
        var result = Result()
        var records = CurrentRecords()
        var damage: JournalDamage?
        reading: while true {
            switch try records.next(in: source) {
            case .record(let kind, let payload):
                do throws(JournalDamage) {
                    if result.generation == nil {
                        result.generation = try StoredGeneration(kind, payload)
                    } else {
                        try result.generation?.append(kind, payload)
                    }
                } catch {
                    damage = error
                    break reading
                }
            case .skipped: break
            case .damage(let found):
                damage = found
                break reading
            case .end:
                if result.generation == nil { damage = .headless }
                break reading
            }
            result.generation?.extent.recordCount = records.records.recordCount
            result.generation?.extent.byteCount = records.records.byteCount
        }
        result.version = records.records.version
        result.damage = damage.map { "\($0)" }
        result.needsNewerBuild = damage?.needsNewerBuild ?? false
        return result
    }

    /// The number of bytes that `beginTime` needs.
    static let beginByteCount = JournalFormat.headerByteCount + JournalFormat.recordHeaderByteCount + 16

    /// The time at which the generation began, from the first bytes of its journal. The checksum is not checked.
    static func beginTime(_ bytes: [UInt8]) -> Int64? {
        let start = JournalFormat.headerByteCount + JournalFormat.recordHeaderByteCount
        guard JournalRecords.damage(ofHeader: bytes[...]) == nil, bytes.count > start else { return nil }
        guard bytes.starts(with: JournalFormat.header) else {
            var reader = Version3Reader(bytes[start...])
            return try? reader.int64()
        }
        var reader = JournalFieldReader(bytes[start...])
        return try? reader.value(1)
    }
}
