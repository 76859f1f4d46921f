extension Vocabulary {
    /// The number of bytes that one step tokenizes.
    package struct StepLimits: Sendable {
        /// A step ends at the first split point behind so many bytes.
        package var usual: Int
        /// The largest number of bytes of a step. A text without a split point, such as one long word, is split here
        /// anyway.
        package var most: Int

        /// Steps of 5 ms as a rule, and of 80 ms at most.
        package static let standard = StepLimits(usual: 16 << 10, most: 256 << 10)

        package init(usual: Int, most: Int) {
            self.usual = usual
            self.most = most
        }
    }

    /// The number of bytes on each side of a split point that are tokenized with and without the split.
    private static let windowByteCount = 128

    /// Appends the tokens of the part of `text` that begins at `start`.
    ///
    /// The parts together have the tokens of `tokenize` for the whole text. The end of a part depends only on the text
    /// up to there, so texts that begin alike have tokens that begin alike.
    ///
    /// - Parameter trusted: ranges of `text`, as for `tokenize`.
    /// - Returns: the number of bytes that were tokenized, and the offset of the next part.
    package func tokenizeStep(
        _ text: UnsafeBufferPointer<UInt8>, from start: Int, trusted: [Range<Int>], limits: StepLimits = .standard,
        into tokens: inout [Int32]
    ) throws(LlamaError) -> (byteCount: Int, next: Int) {
        let end = try self.end(of: text, from: start, trusted: trusted, limits)
        try tokenize(text, start..<end, trusted: trusted, into: &tokens)
        // The tokenizer adds that space again.
        let skipped = end < text.count && splitPoints.needsSpace ? 1 : 0
        return (end - start, end + skipped)
    }

    private func end(
        of text: UnsafeBufferPointer<UInt8>, from start: Int, trusted: [Range<Int>], _ limits: StepLimits
    ) throws(LlamaError) -> Int {
        // A short rest is not worth a further step.
        guard text.count - start > limits.usual + limits.usual / 4 else { return text.count }
        let last = min(start + limits.most, text.count)
        var position = start + limits.usual
        var failures = 0
        while position < last {
            guard splitPoints.allows(text, at: position) else {
                position += 1
                continue
            }
            if try isSame(text, splitAt: position, from: start, trusted: trusted) { return position }
            failures += 1
            // The distance grows, so that the comparisons cost less than the step itself.
            position += 64 * failures
        }
        if last == text.count { return last }
        guard !splitPoints.needsSpace else {
            throw LlamaError(
                .tokenizeFailed,
                "A text has \(limits.most) bytes without a space at which this model's tokenizer could split it.")
        }
        return characterStart(text, upTo: last)
    }

    /// Whether the tokens around a position are the same with and without a split there.
    private func isSame(
        _ text: UnsafeBufferPointer<UInt8>, splitAt position: Int, from start: Int, trusted: [Range<Int>]
    ) throws(LlamaError) -> Bool {
        let lower = max(start, characterStart(text, upTo: max(start, position - Self.windowByteCount)))
        let upper = characterStart(text, upTo: min(text.count, position + Self.windowByteCount))
        var (whole, parts): ([Int32], [Int32]) = ([], [])
        try tokenize(text, lower..<upper, trusted: trusted, into: &whole)
        try tokenize(text, lower..<position, trusted: trusted, into: &parts)
        try tokenize(
            text, (splitPoints.needsSpace ? position + 1 : position)..<upper, trusted: trusted, into: &parts)
        return whole == parts
    }

    private func characterStart(_ text: UnsafeBufferPointer<UInt8>, upTo position: Int) -> Int {
        var position = position
        while position > 0, position < text.count, text[position] & 0xC0 == 0x80 { position -= 1 }
        return position
    }

    private func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>, trusted: [Range<Int>], into tokens: inout [Int32]
    ) throws(LlamaError) {
        let clipped = trusted.lazy.filter { $0.overlaps(range) }.map {
            $0.clamped(to: range).lowerBound - range.lowerBound..<$0.clamped(to: range).upperBound - range.lowerBound
        }
        try tokenize(UnsafeBufferPointer(rebasing: text[range]), trusted: Array(clipped), into: &tokens)
    }
}
