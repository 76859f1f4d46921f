/// Searches for one byte string in a stream, with the algorithm of Knuth, Morris and Pratt.
struct BytePattern: Sendable {
    let bytes: [UInt8]
    /// For each length of a match, the length of the longest shorter match that it ends with.
    private let shorter: [Int]
    /// The number of bytes of the pattern that the stream ends with now.
    private(set) var matched = 0

    /// Creates the table of the pattern.
    ///
    /// - Precondition: `bytes` is not empty.
    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        var shorter = [0, 0]
        var length = 0
        for index in bytes.indices.dropFirst() {
            while length > 0, bytes[index] != bytes[length] { length = shorter[length] }
            if bytes[index] == bytes[length] { length += 1 }
            shorter.append(length)
        }
        self.shorter = shorter
    }

    /// Advances by one byte.
    ///
    /// - Returns: whether the stream now ends with the pattern.
    /// - Complexity: amortised constant.
    mutating func advance(_ byte: UInt8) -> Bool {
        if matched == bytes.count { matched = shorter[matched] }
        while matched > 0, bytes[matched] != byte { matched = shorter[matched] }
        if bytes[matched] == byte { matched += 1 }
        return matched == bytes.count
    }

    /// Discards the partial match.
    mutating func reset() { matched = 0 }
}
