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
        for (index, count) in counts.enumerated() where count > inputTokens {
            throw EngineError(
                .contextExceeded,
                "input \(index) (\(count) tokens) is too large to process; an input may have \(inputTokens) tokens, "
                    + "more with a larger --ubatch-size", promptTokens: count, contextSize: inputTokens)
        }
        let vectors = isPooled ? counts.count : counts.reduce(0, +)
        let most = Self.byteLimit / (4 * max(1, length))
        guard vectors <= most else {
            throw EngineError(
                .invalidRequest,
                "\(vectors) vectors of \(length) numbers are asked for at once; at most \(most) are allowed")
        }
    }
}

/// Inputs on their way to the engine's thread, and who waits for what becomes of them.
struct EmbeddingJob: Sendable {
    typealias Result = Swift.Result<[Embedding], EngineError>

    /// Within the limits, none empty.
    let inputs: [[Int32]]
    private let continuation: CheckedContinuation<Result, Never>

    init(inputs: [[Int32]], continuation: CheckedContinuation<Result, Never>) {
        self.inputs = inputs
        self.continuation = continuation
    }

    /// Once, unless `fail` is called.
    func finish(_ embeddings: [Embedding]) { continuation.resume(returning: .success(embeddings)) }

    /// Once, unless `finish` is called.
    func fail(_ error: EngineError) { continuation.resume(returning: .failure(error)) }
}
