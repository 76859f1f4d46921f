/// A set of byte values.
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

    package func contains(_ byte: UInt8) -> Bool { words[Int(byte >> 6)] >> UInt64(byte & 63) & 1 != 0 }

    package mutating func insert(_ byte: UInt8) { words[Int(byte >> 6)] |= 1 << UInt64(byte & 63) }

    package mutating func insert(_ range: ClosedRange<UInt8>) {
        for byte in range { insert(byte) }
    }

    package mutating func remove(_ byte: UInt8) { words[Int(byte >> 6)] &= ~(1 << UInt64(byte & 63)) }

    package var isEmpty: Bool { words == .zero }

    package var count: Int { (0..<4).reduce(0) { $0 + words[$1].nonzeroBitCount } }

    package var complement: ByteSet { ByteSet(words: ~words) }

    package func union(_ other: ByteSet) -> ByteSet { ByteSet(words: words | other.words) }

    package func intersection(_ other: ByteSet) -> ByteSet { ByteSet(words: words & other.words) }

    package func subtracting(_ other: ByteSet) -> ByteSet { ByteSet(words: words & ~other.words) }

    /// The bytes, ascending.
    package var bytes: [UInt8] { (0...255).filter { contains($0) } }

    private init(words: SIMD4<UInt64>) { self.words = words }

    /// 256 bits, lowest first.
    var encoded: [UInt64] { (0..<4).map { words[$0] } }

    init(encoded: [UInt64]) {
        self.init()
        for index in 0..<min(4, encoded.count) { words[index] = encoded[index] }
    }
}
