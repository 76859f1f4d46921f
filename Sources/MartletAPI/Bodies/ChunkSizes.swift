import MartletStreams

/// Adds up the announced sizes of a chunked body, so that `7FFFFFFFFFFFFFFF` is refused before a byte of that chunk has
/// arrived.
///
/// Only amounts are checked here. The HTTP decoder checks the notation, so bytes in a wrong notation pass.
package struct ChunkSizes: Sendable {
    /// The position in the body's grammar (RFC 9112, 7.1).
    private enum Place: Sendable {
        /// Within the digits of a size, with the value so far.
        case size(UInt64)
        /// After the digits, up to the line's end, with the size.
        case fieldsBehindSize(UInt64)
        /// Within a chunk, with the number of bytes to its end, line end included.
        case bytes(UInt64)
        /// After the last chunk.
        case end
    }

    private let byteLimit: UInt64
    private let extensionLimit: Int
    private var place = Place.size(0)
    /// The sum of the announced sizes.
    private var total: UInt64 = 0
    /// Bytes of all extensions so far.
    private var extensionCount = 0

    /// - Parameters:
    ///   - byteLimit: the most bytes of a body.
    ///   - extensionLimit: the most bytes of its chunks' extensions.
    package init(byteLimit: Int, extensionLimit: Int) {
        // The cap leaves room for one more digit, so that sizes do not overflow.
        self.byteLimit = min(UInt64(byteLimit), 1 << 59)
        self.extensionLimit = extensionLimit
    }

    /// Processes the next bytes of the body.
    /// - Throws: `tooLarge` if the announced sizes exceed the limit; `invalidRequest` if the extensions are too long.
    package mutating func read(_ bytes: some RandomAccessCollection<UInt8>) throws(APIError) {
        var rest = bytes[...]
        while let byte = rest.first {
            switch place {
            case .size(let size):
                rest = rest.dropFirst()
                guard let digit = Self.value(of: byte) else {
                    try begin(size, behind: byte)
                    continue
                }
                // A size beyond the limit is not increased further, so it does not overflow.
                place = .size(size > byteLimit ? size : size << 4 | digit)
            case .fieldsBehindSize(let size):
                rest = rest.dropFirst()
                if byte != UInt8(ascii: "\r"), byte != UInt8(ascii: "\n") { extensionCount += 1 }
                guard extensionCount <= extensionLimit else {
                    throw APIError(
                        .invalidRequest,
                        "The extensions of a body's chunks may have at most \(extensionLimit) bytes together")
                }
                try begin(size, behind: byte)
            case .bytes(let count):
                let taken = min(count, UInt64(rest.count))
                rest = rest.dropFirst(Int(taken))
                place = taken == count ? .size(0) : .bytes(count - taken)
            case .end: return
            }
        }
    }

    /// Processes the first byte after the digits of a size.
    private mutating func begin(_ size: UInt64, behind byte: UInt8) throws(APIError) {
        guard total + size <= byteLimit else { throw .bodyTooLarge(limit: Int(byteLimit)) }
        guard byte == UInt8(ascii: "\n") else { return place = .fieldsBehindSize(size) }
        total += size
        place = size == 0 ? .end : .bytes(size + 2)
    }

    private static func value(of digit: UInt8) -> UInt64? {
        switch digit {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): UInt64(digit - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): UInt64(digit - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): UInt64(digit - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
