import CLlama

extension Vocabulary {
    /// Calls `body` with each token and its bytes at the beginning of a text.
    ///
    /// These may differ from `piece`: with some vocabularies a text loses its first space.
    package func forEachDetokenized(_ body: (Int32, ArraySlice<UInt8>) -> Void) {
        var buffer = [CChar](repeating: 0, count: 512)
        var bytes: [UInt8] = []
        for id in 0..<Int32(count) {
            bytes.removeAll(keepingCapacity: true)
            detokenize(id, with: &buffer, into: &bytes)
            body(id, bytes[...])
        }
    }

    /// The bytes of `token` at the beginning of a text.
    ///
    /// - Precondition: `isValid(token)`.
    package func pieceAtBeginning(_ token: Int32) -> [UInt8] {
        var buffer = [CChar](repeating: 0, count: 512)
        var bytes: [UInt8] = []
        detokenize(token, with: &buffer, into: &bytes)
        return bytes
    }

    private func detokenize(_ token: Int32, with buffer: inout [CChar], into bytes: inout [UInt8]) {
        let vocabulary = llama_model_get_vocab(model.pointer)
        var token = token
        var length = llama_detokenize(vocabulary, &token, 1, &buffer, Int32(buffer.count), false, true)
        if length < 0 {
            buffer = [CChar](repeating: 0, count: Int(-length))
            length = llama_detokenize(vocabulary, &token, 1, &buffer, Int32(buffer.count), false, true)
        }
        for index in 0..<Int(max(0, length)) { bytes.append(UInt8(bitPattern: buffer[index])) }
    }
}
