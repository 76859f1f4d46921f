/// Follows a byte stream and says how much of a marker it ends with.
struct MarkerMatcher: Sendable {
    private let marker: [UInt8]
    /// At each place of the marker, the length of the longest proper prefix of it that ends there.
    private let borders: [Int]

    init(_ marker: [UInt8]) {
        self.marker = marker
        borders = ByteSearch.borders(of: marker)
    }

    var length: Int { marker.count }

    /// How many bytes of the marker the stream ends with once `byte` follows; `matched` is the same before it, and less
    /// than the whole.
    /// - Complexity: amortised constant.
    func next(after matched: Int, _ byte: UInt8) -> Int {
        if marker.isEmpty { return 0 }
        var matched = matched
        while matched > 0, marker[matched] != byte { matched = borders[matched - 1] }
        return marker[matched] == byte ? matched + 1 : 0
    }
}
