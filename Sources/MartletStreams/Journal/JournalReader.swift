internal import MartletProtocol

/// Reads what counts of a journal, whatever its bytes are.
package enum JournalReader {
    package struct Result: Sendable {
        /// `nil` = nothing counts.
        package var generation: StoredGeneration?
        /// Why the bytes behind those that count do not, if there are any.
        package var damage: String?
    }

    /// - Complexity: O(bytes).
    package static func read(_ bytes: [UInt8]) -> Result {
        var generation: StoredGeneration?
        do throws(JournalDamage) {
            try read(bytes[...], into: &generation)
            return Result(generation: generation)
        } catch {
            return Result(generation: generation, damage: "\(error)")
        }
    }

    /// When the generation began, as the first bytes of its journal say; not checked.
    static func beginTime(_ bytes: [UInt8]) -> Int64? {
        let start = JournalFormat.headerByteCount + JournalFormat.recordHeaderByteCount
        guard bytes.starts(with: JournalFormat.header), bytes.count > start else { return nil }
        var reader = ByteReader(bytes[start...])
        return try? reader.readInt64()
    }

    private static func read(
        _ bytes: ArraySlice<UInt8>, into generation: inout StoredGeneration?
    ) throws(JournalDamage) {
        guard bytes.starts(with: JournalFormat.magic), bytes.count >= JournalFormat.headerByteCount else {
            throw .notAJournal
        }
        let format = JournalFormat.number(bytes[8..<10], as: UInt16.self)
        let frames = JournalFormat.number(bytes[10..<12], as: UInt16.self)
        guard bytes.starts(with: JournalFormat.header) else { throw .otherVersion(format: format, frames: frames) }
        var position = JournalFormat.headerByteCount
        var sequence: UInt32 = 0
        while position < bytes.endIndex {
            let (kind, payload) = try record(bytes, at: position, sequence: sequence)
            if generation == nil {
                generation = try StoredGeneration(kind, payload)
            } else {
                try generation?.take(kind, payload)
            }
            position = payload.endIndex
            sequence += 1
            generation?.extent.recordCount = sequence
            generation?.extent.byteCount = position
        }
        if generation == nil { throw .headless }
    }

    private static func record(
        _ bytes: ArraySlice<UInt8>, at start: Int, sequence: UInt32
    ) throws(JournalDamage) -> (JournalFormat.Kind, ArraySlice<UInt8>) {
        let body = start + JournalFormat.recordHeaderByteCount
        guard body <= bytes.endIndex else { throw .torn }
        let count = Int(JournalFormat.number(bytes[start..<(start + 4)], as: UInt32.self))
        guard count <= bytes.endIndex - body else { throw .torn }
        let checked = bytes[(start + 8)..<(body + count)]
        guard CRC32C.of(checked) == JournalFormat.number(bytes[(start + 4)..<(start + 8)], as: UInt32.self) else {
            throw .wrongChecksum
        }
        guard JournalFormat.number(bytes[(start + 9)..<body], as: UInt32.self) == sequence else {
            throw .wrongSequence
        }
        guard let kind = JournalFormat.Kind(rawValue: bytes[start + 8]) else {
            throw .unreadable("kind \(bytes[start + 8])")
        }
        return (kind, bytes[body..<(body + count)])
    }
}
