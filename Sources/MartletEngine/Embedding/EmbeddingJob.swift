import MartletProtocol

/// What inputs for embeddings must keep to.
struct EmbeddingLimits: Sendable {
    /// Most tokens of one input.
    let inputTokens: Int
    /// Numbers of one vector.
    let length: Int
    /// Whether an input has one vector, not one for each token.
    let isPooled: Bool

    /// Most bytes of the vectors of one request, so that an answer fits a frame.
    static let byteLimit = 128 << 20

    /// - Parameter counts: how many tokens each input has.
    func check(_ counts: [Int]) throws(EngineError) {
        for (index, count) in counts.enumerated() { try check(count, number: index) }
        let vectors = isPooled ? counts.count : counts.reduce(0, +)
        let most = Self.byteLimit / (4 * max(1, length))
        guard vectors <= most else {
            throw EngineError(
                .invalidRequest,
                "\(vectors) vectors of \(length) numbers are asked for at once; at most \(most) are allowed")
        }
    }
}

extension EmbeddingLimits {
    /// - Parameter count: how many tokens the input with that number has.
    func check(_ count: Int, number: Int) throws(EngineError) {
        guard count <= inputTokens else {
            throw EngineError(
                .contextExceeded,
                "input \(number) (\(count) tokens) is too large to process; an input may have \(inputTokens) tokens, "
                    + "more with a larger --ubatch-size", promptTokens: count, contextSize: inputTokens)
        }
    }
}

/// Inputs on their way to the engine's thread, and who waits for what becomes of them.
struct EmbeddingJob: Sendable {
    /// Within the limits, none empty.
    let inputs: [[Int32]]
    let reply: PendingReply<[Embedding]>

    func finish(_ embeddings: [Embedding]) { reply.finish(.success(embeddings)) }

    func fail(_ error: EngineError) { reply.finish(.failure(error)) }
}
