import CLlama

extension Vocabulary {
    /// Appends the tokens of `text`. Control tokens are recognised only within `trusted`.
    ///
    /// If no control token's text occurs outside `trusted`, the result equals `llama_tokenize(parse_special: true)` for
    /// the whole text.
    package func tokenize(
        _ text: UnsafeBufferPointer<UInt8>, trusted: [Range<Int>], into tokens: inout [Int32]
    ) throws(LlamaError) {
        for segment in specialTokens.segments(of: text, trusted: trusted) {
            switch segment {
            case .token(let id): tokens.append(id)
            case .text(let range):
                try tokenizeWhole(UnsafeBufferPointer(rebasing: text[range]), parsesSpecial: false, into: &tokens)
            }
        }
    }

    /// Appends the result of `llama_tokenize` for `text`, without tokens at the beginning or end.
    package func tokenizeWhole(
        _ text: UnsafeBufferPointer<UInt8>, parsesSpecial: Bool, into tokens: inout [Int32]
    ) throws(LlamaError) {
        guard !text.isEmpty else { return }
        guard let length = Int32(exactly: text.count), length < Int32.max / 2 else {
            throw LlamaError(.tokenizeFailed, "A text of \(text.count) bytes is too long to tokenize.")
        }
        let vocabulary = llama_model_get_vocab(model.pointer)
        // Most texts have fewer tokens than bytes; a tokenizer that adds a space may need a few more.
        var capacity = text.count + 8
        while true {
            var written: Int32 = 0
            let start = tokens.count
            let added = [Int32](unsafeUninitializedCapacity: capacity) { buffer, count in
                written = text.withMemoryRebound(to: CChar.self) {
                    llama_tokenize(
                        vocabulary, $0.baseAddress, length, buffer.baseAddress, Int32(capacity), false, parsesSpecial)
                }
                count = Int(max(0, written))
            }
            if written >= 0 {
                tokens.append(contentsOf: added)
                return
            }
            guard written != Int32.min, Int(-written) > capacity else {
                tokens.removeSubrange(start...)
                throw LlamaError(.tokenizeFailed, "A text of \(text.count) bytes cannot be tokenized.")
            }
            capacity = Int(-written)
        }
    }
}
