import Llama

/// Searches in the text of all output tokens, including tokens of stop strings.
extension EngineSequence {
    /// The last bytes of the output tokens: at least `count`, or all if there are fewer.
    func tail(_ count: Int, in vocabulary: Vocabulary) -> [UInt8] {
        var pieces: [ArraySlice<UInt8>] = []
        var total = 0
        var index = predictedCount
        while total < count, index > 0 {
            index -= 1
            let piece = text(of: record.token(index), in: vocabulary)
            total += piece.count
            pieces.append(piece)
        }
        return Array(pieces.reversed().joined())
    }

    /// The number of output tokens up to the last occurrence of `text`; `nil` if it does not occur.
    func tokenCount(behind text: String, in vocabulary: Vocabulary) -> Int? {
        var pattern = BytePattern(Array(text.utf8))
        var found: Int?
        for index in 0..<predictedCount where cutPoint(for: index) == index {
            var endsHere = false
            for byte in self.text(of: record.token(index), in: vocabulary) {
                endsHere = pattern.advance(byte)
                if endsHere { found = index }
            }
            if endsHere { found = index + 1 }
        }
        return found
    }
}
