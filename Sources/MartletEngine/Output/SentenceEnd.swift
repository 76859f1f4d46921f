/// Checks whether a text is at the end of a sentence.
enum SentenceEnd {
    private static let closers: Set<Unicode.Scalar> = ["\"", "'", ")", "]", "}", "*", "_", "\u{201D}", "\u{2019}", "»"]
    /// Sentence marks of scripts that put no space behind a sentence.
    private static let wideMarks: Set<Unicode.Scalar> = ["。", "！", "？", "।"]
    private static let marks: Set<Unicode.Scalar> = [".", "!", "?", "…"]

    /// Whether a sentence ends between `tail` and `next`.
    ///
    /// - Parameters:
    ///   - tail: the last bytes of the text; 16 suffice.
    ///   - next: the bytes of the token that would follow.
    static func isReached(by tail: [UInt8], before next: ArraySlice<UInt8>) -> Bool {
        var scalars = Array(String(decoding: tail, as: UTF8.self).unicodeScalars)
        if scalars.last == "\n" { return true }
        var isSpaced = false
        while let last = scalars.last, last.properties.isWhitespace {
            scalars.removeLast()
            isSpaced = true
        }
        while let last = scalars.last, closers.contains(last) { scalars.removeLast() }
        guard let last = scalars.last else { return false }
        if wideMarks.contains(last) { return true }
        // "3.14" is not two sentences: white space must follow.
        let isFollowed = isSpaced || next.first.map { $0 == 0x20 || (0x09...0x0D).contains($0) } ?? false
        return isFollowed && marks.contains(last)
    }
}
