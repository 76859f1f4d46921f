import MartletText

/// The word that a mistyped or shortened word means.
///
/// Example: among `--ctx-size` and `--cpu-mask` the word `--ctx` means `--ctx-size`, although fewer changes make
/// `--cpu-mask` of a shorter word: a beginning counts more than a distance.
enum NearestWord {
    /// The shortest candidate that begins with `word`, else the one with the smallest edit distance.
    /// - Returns: `nil` if no candidate is near.
    static func find(_ word: String, among candidates: [String]) -> String? {
        let beginnings = candidates.filter { $0.hasPrefix(word) }
        // A dash or a slash alone begins everything.
        if word.count > 2, let shortest = beginnings.min(by: { ($0.count, $0) < ($1.count, $1) }) { return shortest }
        return EditDistance.nearest(to: word, among: candidates)
    }
}
