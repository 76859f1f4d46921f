import MartletJinja

/// Follows a byte stream and says how much of a delimiter it ends with.
struct DelimiterMatcher: Sendable {
    private let delimiter: [UInt8]
    /// At each place of the delimiter, the length of the longest proper prefix of it that ends there.
    private let borders: [Int]

    init(_ delimiter: [UInt8]) {
        self.delimiter = delimiter
        borders = ByteSearch.borders(of: delimiter)
    }

    var length: Int { delimiter.count }

    /// How many bytes of the delimiter the stream ends with once `byte` follows; `matched` is the same before it, and
    /// less than the whole.
    /// - Complexity: amortised constant.
    func next(after matched: Int, _ byte: UInt8) -> Int {
        if delimiter.isEmpty { return 0 }
        var matched = matched
        while matched > 0, delimiter[matched] != byte { matched = borders[matched - 1] }
        return delimiter[matched] == byte ? matched + 1 : 0
    }
}
