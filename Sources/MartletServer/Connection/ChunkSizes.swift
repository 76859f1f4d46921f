internal import MartletAPI

/// Adds up the sizes of a chunked body's chunks as they are announced: `7FFFFFFFFFFFFFFF` is larger than any body may
/// be, before a byte of that chunk has come.
///
/// The HTTP decoder judges the notation. These rules are about amounts only, so bytes in a wrong notation pass here.
struct ChunkSizes {
    private enum Place {
        case size(UInt64)
        /// Behind the digits, up to the line's end.
        case fieldsBehindSize(UInt64)
        /// The chunk's bytes with the line's end behind them.
        case bytes(UInt64)
        /// Behind the last chunk.
        case end
    }

    private let byteLimit: UInt64
    private let extensionLimit: Int
    private var place = Place.size(0)
    private var total: UInt64 = 0
    /// Bytes of all extensions so far.
    private var extensionCount = 0

    /// - Parameters:
    ///   - byteLimit: the most bytes of a body.
    ///   - extensionLimit: the most bytes of its chunks' extensions.
    init(byteLimit: Int, extensionLimit: Int) {
        // So that a size within the limit has room for one more digit.
        self.byteLimit = min(UInt64(byteLimit), 1 << 59)
        self.extensionLimit = extensionLimit
    }

    /// Reads on in the body.
    /// - Throws: when the chunks that are announced are more than a body may have, or their extensions are too long.
    mutating func read(_ bytes: some RandomAccessCollection<UInt8>) throws(APIError) {
        var rest = bytes[...]
        while let byte = rest.first {
            switch place {
            case .size(let size):
                rest = rest.dropFirst()
                guard let digit = Self.value(of: byte) else {
                    try begin(size, behind: byte)
                    continue
                }
                // A size beyond the limit stays beyond it, and does not overflow.
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

    /// Behind a byte that is no digit.
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
