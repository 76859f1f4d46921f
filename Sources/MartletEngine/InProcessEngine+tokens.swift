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
