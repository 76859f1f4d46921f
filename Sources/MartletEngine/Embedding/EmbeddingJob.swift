import MartletProtocol

/// Limits of inputs for embeddings. They follow from the context and the pooling of the model.
struct EmbeddingLimits: Sendable {
    /// The largest number of tokens of one input.
    let inputTokens: Int
    /// The number of elements of one vector.
    let length: Int
    /// Whether an input has one vector; otherwise it has one vector per token.
    let isPooled: Bool

    /// The largest size of all vectors of one request, in bytes. A reply of this size fits the parts of a frame.
    static let byteLimit = 128 << 20

    /// Checks all inputs of a request.
    ///
    /// - Parameter counts: the number of tokens of each input.
    /// - Throws: `contextExceeded` for an input that is too long; `invalidRequest` if the vectors exceed `byteLimit`.
    func check(_ counts: [Int]) throws(EngineError) {
        for (index, count) in counts.enumerated() { try check(count, number: index) }
        let vectors = isPooled ? counts.count : counts.reduce(0, +)
        let most = Self.byteLimit / (4 * max(1, length))
        guard vectors <= most else {
            throw EngineError(
                .invalidRequest,
                "\(vectors) vectors of \(length) numbers are requested at once; at most \(most) are allowed")
        }
    }
}

extension EmbeddingLimits {
    /// Checks one input.
    ///
    /// - Parameters:
    ///   - count: the number of its tokens.
    ///   - number: its index in the request, for the error.
    /// - Throws: `contextExceeded`.
    func check(_ count: Int, number: Int) throws(EngineError) {
        guard count <= inputTokens else {
            throw EngineError(
                .contextExceeded,
                "input \(number) (\(count) tokens) is too large to process; an input may have \(inputTokens) tokens, "
                    + "more with a larger --ubatch-size", promptTokens: count, contextSize: inputTokens)
        }
    }
}

/// The tokenized inputs of one request, and the reply that a task waits for.
struct EmbeddingJob: Sendable {
    /// The tokens of each input; no input is empty, and all are within the limits.
    let inputs: [[Int32]]
    let reply: PendingReply<[Embedding]>

    func finish(_ embeddings: [Embedding]) { reply.finish(.success(embeddings)) }

    func fail(_ error: EngineError) { reply.finish(.failure(error)) }
}
