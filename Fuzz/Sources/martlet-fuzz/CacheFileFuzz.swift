import MartletFiles
import MartletStateFiles

/// For any bytes, a state file is read as it would be written, or refused.
enum CacheFileFuzz {
    /// The first byte decides whether the other bytes are a whole file, or a file whose head gets a valid checksum, so
    /// that the checks behind it are reached.
    static func run(_ input: [UInt8]) -> CInt {
        guard let first = input.first else { return CorpusDecision.reject }
        let bytes = first & 1 == 0 ? Array(input.dropFirst()) : sealed(Array(input.dropFirst()))
        guard let head = try? StateFileReader.head(of: StateBytes(bytes)) else { return CorpusDecision.accept }
        precondition(head.byteCount == bytes.count, "the size of the file does not follow from its head")
        guard let stored = try? StateFileReader.state(of: StateBytes(bytes)) else { return CorpusDecision.accept }
        precondition(stored.items == head.items && stored.checkpoints.map(\.itemCount) == head.checkpoints)
        let parts = StateFileFormat.parts(of: stored, fingerprint: head.fingerprint)
        precondition(parts?.flatMap { $0 } == bytes, "a file is written differently than it was read")
        return CorpusDecision.accept
    }

    /// Sets the checksums of the head and of all bodies that fit, and the size of the file.
    private static func sealed(_ input: [UInt8]) -> [UInt8] {
        var bytes = input
        guard bytes.count >= 64 else { return bytes }
        bytes.replaceSubrange(0..<8, with: StateFileFormat.magic)
        bytes.replaceSubrange(8..<12, with: [1, 0, 0, 0])
        let count = Int(bytes[12] % 8)
        bytes.replaceSubrange(12..<16, with: [UInt8(count), 0, 0, 0])
        let headEnd = 56 + count * 24
        guard bytes.count >= headEnd + 4 else { return bytes }
        set(UInt64(bytes.count), at: 48, in: &bytes)
        var start = headEnd + 4
        for section in 0..<count {
            let offset = 56 + section * 24
            let rest = bytes.count - start
            let size = section == count - 1 ? rest : min(rest, Int(bytes[offset + 8]))
            set(UInt64(size), at: offset + 8, in: &bytes)
            set(UInt64(CRC32C.of(bytes[start..<(start + size)])), at: offset + 16, in: &bytes)
            start += size
        }
        let sum = CRC32C.of(bytes[..<headEnd])
        for byte in 0..<4 { bytes[headEnd + byte] = UInt8(truncatingIfNeeded: sum >> UInt32(8 * byte)) }
        return bytes
    }

    private static func set(_ number: UInt64, at offset: Int, in bytes: inout [UInt8]) {
        for byte in 0..<8 { bytes[offset + byte] = UInt8(truncatingIfNeeded: number >> UInt64(8 * byte)) }
    }
}
