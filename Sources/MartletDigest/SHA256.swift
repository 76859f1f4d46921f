internal import CDigest

/// The SHA-256 of bytes that arrive in pieces (FIPS 180-4). The state is a value; a copy goes on by itself.
///
/// Serves as a name of contents, and for keys that are compared in constant time by their digests. It is no password hash.
package struct SHA256: Sendable {
    /// The number of bytes of a digest.
    package static let byteCount = 32
    private static let blockByteCount = 64
    /// Whether this processor has instructions for SHA-256 that are used. Asked once per process.
    static let hasInstructions = martlet_sha256_has_instructions() == 1

    /// The first 32 bits of the fractional parts of the square roots of the first eight primes.
    private var words: [UInt32] = [
        0x6A09_E667, 0xBB67_AE85, 0x3C6E_F372, 0xA54F_F53A, 0x510E_527F, 0x9B05_688C, 0x1F83_D9AB, 0x5BE0_CD19,
    ]
    /// Bytes that do not fill a block yet: fewer than 64.
    private var pending: [UInt8] = []
    /// The number of all bytes, without a bound but that of the format, 2^61.
    private var total: UInt64 = 0
    private let usesInstructions: Bool

    package init() { self.init(usesInstructions: Self.hasInstructions) }

    /// - Parameter usesInstructions: false for the plain code; true only where `hasInstructions` is.
    init(usesInstructions: Bool) { self.usesInstructions = usesInstructions }

    /// The digest of some bytes: `byteCount` bytes.
    package static func hash(_ bytes: [UInt8]) -> [UInt8] {
        var hash = SHA256()
        bytes.withUnsafeBytes { hash.update($0) }
        return hash.finalize()
    }

    /// Adds bytes. Complexity: O(n); at most 63 bytes are copied.
    package mutating func update(_ bytes: some Collection<UInt8>) {
        if bytes.withContiguousStorageIfAvailable({ update(UnsafeRawBufferPointer($0)) }) == nil {
            Array(bytes).withUnsafeBytes { update($0) }
        }
    }

    /// Adds the bytes of a buffer, which is only read during the call.
    package mutating func update(_ bytes: UnsafeRawBufferPointer) {
        total += UInt64(bytes.count)
        var rest = bytes[...]
        if !pending.isEmpty {
            let missing = rest.prefix(Self.blockByteCount - pending.count)
            pending += missing
            rest = rest.dropFirst(missing.count)
            guard pending.count == Self.blockByteCount else { return }
            pending.withUnsafeBytes { compress($0) }
            pending.removeAll(keepingCapacity: true)
        }
        // Whole blocks are read where they lie; the rest waits for more.
        let whole = rest.count / Self.blockByteCount * Self.blockByteCount
        compress(UnsafeRawBufferPointer(rebasing: rest.prefix(whole)))
        pending += rest.dropFirst(whole)
    }

    /// The digest of all bytes so far: `byteCount` bytes. More bytes may be added to the receiver afterwards.
    package func finalize() -> [UInt8] {
        var copy = self
        // A bit 1, zeros up to the last eight bytes of a block, and there the number of bits.
        let used = pending.count + 1
        let zeros = (2 * Self.blockByteCount - used - 8) % Self.blockByteCount
        var padding: [UInt8] = [0x80] + [UInt8](repeating: 0, count: zeros)
        for shift in stride(from: 56, through: 0, by: -8) {
            padding.append(UInt8(truncatingIfNeeded: (total * 8) >> UInt64(shift)))
        }
        copy.update(padding)
        return copy.words.flatMap { word in (0..<4).map { UInt8(truncatingIfNeeded: word >> UInt32(24 - 8 * $0)) } }
    }

    /// Adds whole blocks.
    private mutating func compress(_ blocks: UnsafeRawBufferPointer) {
        guard let base = blocks.baseAddress, !blocks.isEmpty else { return }
        let bytes = base.assumingMemoryBound(to: UInt8.self)
        let count = blocks.count / Self.blockByteCount
        words.withUnsafeMutableBufferPointer {
            if usesInstructions {
                martlet_sha256_with_instructions($0.baseAddress, bytes, count)
            } else {
                martlet_sha256_portable($0.baseAddress, bytes, count)
            }
        }
    }
}
