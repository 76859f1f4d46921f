package import MartletFiles
internal import MartletProtocol

/// Reads what counts of a journal, whatever its bytes are.
package enum JournalReader {
    package struct Result: Sendable {
        /// `nil` = nothing counts.
        package var generation: StoredGeneration?
        /// Why the bytes behind those that count do not, if there are any.
        package var damage: String?
    }

    /// Reads up to the first invalid record.
    ///
    /// - Complexity: O(bytes of valid records), in time and memory.
    /// - Throws: when the source cannot be read. Its contents may be valid.
    package static func read(_ source: borrowing some JournalSource & ~Copyable) throws(FileError) -> Result {
        var result = Result()
        var records = JournalRecords()
        while true {
            switch try records.next(in: source) {
            case .record(let kind, let payload):
                do throws(JournalDamage) {
                    if result.generation == nil {
                        result.generation = try StoredGeneration(kind, payload)
                    } else {
                        try result.generation?.take(kind, payload)
                    }
                } catch {
                    result.damage = "\(error)"
                    return result
                }
                result.generation?.extent.recordCount = records.recordCount
                result.generation?.extent.byteCount = records.byteCount
            case .damage(let damage):
                result.damage = "\(damage)"
                return result
            case .end:
                if result.generation == nil { result.damage = "\(JournalDamage.headless)" }
                return result
            }
        }
    }

    /// How many bytes `beginTime` needs.
    static let beginByteCount = JournalFormat.headerByteCount + JournalFormat.recordHeaderByteCount + 8

    /// When the generation began, as the first bytes of its journal say; not checked.
    static func beginTime(_ bytes: [UInt8]) -> Int64? {
        let start = JournalFormat.headerByteCount + JournalFormat.recordHeaderByteCount
        guard bytes.starts(with: JournalFormat.header), bytes.count > start else { return nil }
        var reader = ByteReader(bytes[start...])
        return try? reader.readInt64()
    }
}
