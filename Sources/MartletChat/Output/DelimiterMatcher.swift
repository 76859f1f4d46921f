import MartletJinja

/// Follows a byte stream and reports how much of one delimiter it ends with (Knuth, Morris and Pratt, 1977).
///
/// Used where only one text matters, as the prefix of MiniMax M3's tags.
struct DelimiterMatcher: Sendable {
    private let delimiter: [UInt8]
    /// For each position, the length of the longest proper prefix of the delimiter that ends there.
    private let borders: [Int]

    init(_ delimiter: [UInt8]) {
        self.delimiter = delimiter
        borders = ByteSearch.borders(of: delimiter)
    }

    /// The number of bytes of the delimiter.
    var length: Int { delimiter.count }

    /// The number of bytes of the delimiter with which the stream ends after `byte`.
    /// - Parameter matched: that number before `byte`; less than `length`.
    /// - Complexity: amortised constant.
    func next(after matched: Int, _ byte: UInt8) -> Int {
        if delimiter.isEmpty { return 0 }
        var matched = matched
        while matched > 0, delimiter[matched] != byte { matched = borders[matched - 1] }
        return delimiter[matched] == byte ? matched + 1 : 0
    }
}
