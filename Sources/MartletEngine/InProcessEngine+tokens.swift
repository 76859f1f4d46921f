import Llama
package import MartletProtocol

extension InProcessEngine {
    package func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] {
        try await Self.pieces(of: prompt, loaded: loaded())
    }

    package func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] {
        let vocabulary = try await loaded().vocabulary
        var bytes: [UInt8] = []
        for token in tokens {
            guard vocabulary.isValid(token) else {
                throw PromptTokenizer.unknownToken(token, in: "tokens", count: vocabulary.count)
            }
            bytes += vocabulary.piece(token)
        }
        return bytes
    }

    package func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] {
        let loaded = try await loaded()
        guard let limits = loaded.embedding else {
            throw EngineError(.invalidRequest, "This engine makes no embeddings.")
        }
        guard !inputs.isEmpty else { return [] }
        try limits.check(inputs.map { loaded.tokenizer.fewestTokens(of: $0) })
        let tokens = try await Self.inputs(inputs, loaded: loaded)
        try limits.check(tokens.map(\.count))
        let result: EmbeddingJob.Result = await withCheckedContinuation { continuation in
            let isClosed = shared.withLock { shared in
                // Under the lock, so that it comes before the engine's thread is told to stop.
                if !shared.isClosed { mailbox.post(.embed(EmbeddingJob(inputs: tokens, continuation: continuation))) }
                return shared.isClosed
            }
            if isClosed { continuation.resume(returning: .failure(.shuttingDown)) }
        }
        return try result.get()
    }

    @concurrent
    private static func inputs(_ prompts: [Prompt], loaded: LoadedModel) async throws(EngineError) -> [[Int32]] {
        var inputs: [[Int32]] = []
        inputs.reserveCapacity(prompts.count)
        for prompt in prompts { inputs.append(try loaded.tokenizer.tokensToEmbed(prompt)) }
        return inputs
    }

    /// Off the caller's actor: a long text takes its time.
    @concurrent
    private static func pieces(of prompt: Prompt, loaded: LoadedModel) async throws(EngineError) -> [TokenPiece] {
        try loaded.tokenizer.tokens(of: prompt).map { token in
            TokenPiece(id: token, bytes: Array(loaded.vocabulary.piece(token)))
        }
    }

    /// Waits until the model is loaded.
    private func loaded() async throws(EngineError) -> LoadedModel {
        let result = await withCheckedContinuation { continuation in
            let known: Result<LoadedModel, EngineError>? = shared.withLock { shared in
                if shared.isClosed { return .failure(.shuttingDown) }
                if shared.outcome == nil { shared.waiters.append(continuation) }
                return shared.outcome
            }
            if let known { continuation.resume(returning: known) }
        }
        return try result.get()
    }
}
