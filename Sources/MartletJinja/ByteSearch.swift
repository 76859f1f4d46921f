/// Finds a byte sequence in others, in time linear in what it reads whatever the bytes are (Knuth, Morris and Pratt).
package struct ByteSearch {
    private let pattern: [UInt8]
    /// At each place of the pattern, the length of the longest proper prefix that ends there.
    private let borders: [Int]

    package init(_ pattern: [UInt8]) {
        self.pattern = pattern
        borders = Self.borders(of: pattern)
    }

    /// At each place of `pattern`, the length of the longest proper prefix of it that ends there.
    package static func borders(of pattern: [UInt8]) -> [Int] {
        var borders = [Int](repeating: 0, count: pattern.count)
        var length = 0
        for index in pattern.indices.dropFirst() {
            while length > 0, pattern[index] != pattern[length] { length = borders[length - 1] }
            if pattern[index] == pattern[length] { length += 1 }
            borders[index] = length
        }
        return borders
    }

    /// The offsets of the pattern, left to right without overlap, at most `limit`. None when the pattern is empty.
    package func offsets(in bytes: UnsafeBufferPointer<UInt8>, limit: Int) -> [Int] {
        guard let first = pattern.first, limit > 0, bytes.count >= pattern.count else { return [] }
        var found: [Int] = []
        var matched = 0
        for index in bytes.indices {
            let byte = bytes[index]
            if matched == 0, byte != first { continue }
            while matched > 0, byte != pattern[matched] { matched = borders[matched - 1] }
            if byte == pattern[matched] { matched += 1 }
            if matched == pattern.count {
                found.append(index + 1 - matched)
                if found.count == limit { break }
                matched = 0
            }
        }
        return found
    }
}
