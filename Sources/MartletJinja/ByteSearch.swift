/// Finds a byte sequence in others (Knuth, Morris and Pratt, 1977).
///
/// Linear in the bytes for any pattern. A naive search is quadratic for texts such as `aaaa…`, which a client can
/// send. Bytes are compared, so that composed and decomposed letters differ, as in Python.
package struct ByteSearch {
    private let pattern: [UInt8]
    /// For each position, the length of the longest proper prefix of the pattern that ends there.
    private let borders: [Int]

    /// - Parameter pattern: the bytes to find; an empty pattern is never found.
    package init(_ pattern: [UInt8]) {
        self.pattern = pattern
        borders = Self.borders(of: pattern)
    }

    /// For each position, the length of the longest proper prefix of `pattern` that ends there. For `abab`: 0, 0, 1,
    /// 2.
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

    /// The offsets of the pattern from left to right without overlap, at most `limit`. For `aa` in `aaaa`: 0 and 2.
    /// - Complexity: linear in `bytes`.
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
