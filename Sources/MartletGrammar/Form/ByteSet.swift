/// A set of byte values as 256 bits.
package struct ByteSet: Hashable, Sendable {
    private var words: SIMD4<UInt64>

    package init() { words = .zero }

    package init(_ ranges: ClosedRange<UInt8>...) {
        self.init()
        for range in ranges { insert(range) }
    }

    package init(_ bytes: some Sequence<UInt8>) {
        self.init()
        for byte in bytes { insert(byte) }
    }

    package static let all = ByteSet(0...255)

    /// Whether a byte is in the set.
    package func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 != 0 }

    /// Adds a byte.
    package mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    /// Adds all bytes of a range.
    package mutating func insert(_ range: ClosedRange<UInt8>) {
        for byte in range { insert(byte) }
    }

    /// Removes a byte.
    package mutating func remove(_ byte: UInt8) { words[Int(byte >> 6)] &= ~(1 << UInt64(byte & 63)) }

    package var isEmpty: Bool { words == .zero }

    package var count: Int { (0..<4).reduce(0) { $0 + words[$1].nonzeroBitCount } }

    /// All bytes that are not in the set.
    package var complement: ByteSet { ByteSet(words: ~words) }

    /// The bytes of both sets.
    package func union(_ other: ByteSet) -> ByteSet { ByteSet(words: words | other.words) }

    /// The bytes that both sets have.
    package func intersection(_ other: ByteSet) -> ByteSet { ByteSet(words: words & other.words) }

    /// The bytes that `other` does not have.
    package func subtracting(_ other: ByteSet) -> ByteSet { ByteSet(words: words & ~other.words) }

    /// The bytes in ascending order.
    package var bytes: [UInt8] { (0...255).filter { contains($0) } }

    private init(words: SIMD4<UInt64>) { self.words = words }

    /// The set as four words, lowest bytes first; the form in encoded grammars.
    var encoded: [UInt64] { (0..<4).map { words[$0] } }

    /// Decodes a set; missing words are empty.
    init(encoded: [UInt64]) {
        self.init()
        for index in 0..<min(4, encoded.count) { words[index] = encoded[index] }
    }
}
