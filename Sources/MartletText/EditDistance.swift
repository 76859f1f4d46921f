/// The number of typing errors between two words.
///
/// Example: `nearest(to: "--prot", among: ["--port", "--host"])` is `--port`.
package enum EditDistance {
    /// The most bytes of a word that is compared.
    package static let longestWord = 64

    /// The candidate with the smallest distance to `word`.
    ///
    /// `nil` if the smallest distance is above a third of the word's bytes and above 2, or if the word has more than
    /// `longestWord` bytes: such a word is no typing error.
    package static func nearest(to word: String, among candidates: [String]) -> String? {
        // A long argument is no typing error, and the distance has quadratic cost. One character may have many bytes.
        let length = word.utf8.count
        guard length <= longestWord else { return nil }
        let limit = max(2, length / 3)
        let scored = candidates.map { (candidate: $0, distance: distance(word, $0)) }
        return scored.filter { $0.distance <= limit }.min { $0.distance < $1.distance }?.candidate
    }

    /// The restricted Damerau-Levenshtein distance: insertions, deletions, replacements, and swaps of neighbours.
    /// - Complexity: The product of both lengths.
    package static func distance(_ left: String, _ right: String) -> Int {
        let left = Array(left.utf8)
        let right = Array(right.utf8)
        var beforeLast: [Int] = []
        var last = Array(0...right.count)
        for row in left.indices {
            var current = [row + 1]
            for column in right.indices {
                var best = min(last[column + 1] + 1, current[column] + 1)
                best = min(best, last[column] + (left[row] == right[column] ? 0 : 1))
                if row > 0, column > 0, left[row] == right[column - 1], left[row - 1] == right[column] {
                    best = min(best, beforeLast[column - 1] + 1)
                }
                current.append(best)
            }
            beforeLast = last
            last = current
        }
        return last[right.count]
    }
}
