import Llama
package import MartletProtocol

extension InProcessEngine {
    /// See `EngineService.tokenize(_:)`. Waits until the model is loaded.
    package func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] {
        let tokens = try await tokens(of: [prompt], isForEmbedding: false).first ?? []
        return try await pieces(of: tokens, vocabulary: try await loaded().vocabulary)
    }

    /// See `EngineService.detokenize(_:)`. Waits until the model is loaded.
    package func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] {
        try TextBudget.standard.check(tokenCount: tokens.count, field: "tokens")
        return try await bytes(of: tokens, vocabulary: try await loaded().vocabulary)
    }

    /// See `EngineService.embed(_:)`. Fails with `invalidRequest` if the engine makes no embeddings.
    package func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] {
        guard let limits = try await loaded().embedding else {
            throw EngineError(.invalidRequest, "This engine makes no embeddings.")
        }
        guard !inputs.isEmpty else { return [] }
        let tokens = try await tokens(of: inputs, isForEmbedding: true)
        try limits.check(tokens.map(\.count))
        return try await PendingReply.value { reply in
            let isClosed = shared.withLock { shared in
                // Under the lock, so that the message precedes `stop`.
                if !shared.isClosed { mailbox.post(.embed(EmbeddingJob(inputs: tokens, reply: reply))) }
                return shared.isClosed
            }
            if isClosed { reply.finish(.failure(.shuttingDown)) }
        }
    }

    /// Tokenizes prompts on the input processor's thread.
    private func tokens(of prompts: [Prompt], isForEmbedding: Bool) async throws(EngineError) -> [[Int32]] {
        let query = { TokenizationQuery(prompts: prompts, isForEmbedding: isForEmbedding, reply: $0) }
        try TextBudget.standard.check(prompts, field: isForEmbedding ? "input" : "content")
        return try await PendingReply.value { reply in
            let isClosed = shared.withLock { shared in
                // Under the lock, so that the message precedes `stop`.
                if !shared.isClosed { input.post(.tokenize(query(reply))) }
                return shared.isClosed
            }
            if isClosed { reply.finish(.failure(.shuttingDown)) }
        }
    }

    /// The number of tokens that are looked up before the task yields.
    private static let chunk = 1 << 14
    /// The largest number of bytes that tokens may stand for. A token that is a few bytes of a request can stand for a
    /// long text.
    private static let detokenizedByteLimit = 4 * TextBudget.standard.byteCount

    /// Not on the caller's actor: looking up many tokens takes time.
    @concurrent
    private func pieces(of tokens: [Int32], vocabulary: Vocabulary) async throws(EngineError) -> [TokenPiece] {
        var pieces: [TokenPiece] = []
        pieces.reserveCapacity(tokens.count)
        for (index, token) in tokens.enumerated() {
            if index % Self.chunk == Self.chunk - 1 { try await Self.yield() }
            pieces.append(TokenPiece(id: token, bytes: Array(vocabulary.piece(token))))
        }
        return pieces
    }

    @concurrent
    private func bytes(of tokens: [Int32], vocabulary: Vocabulary) async throws(EngineError) -> [UInt8] {
        var bytes: [UInt8] = []
        for (index, token) in tokens.enumerated() {
            if index % Self.chunk == Self.chunk - 1 { try await Self.yield() }
            guard vocabulary.isValid(token) else {
                throw PromptTokenizer.unknownToken(token, in: "tokens", count: vocabulary.count)
            }
            bytes += vocabulary.piece(token)
            guard bytes.count <= Self.detokenizedByteLimit else {
                throw EngineError(
                    .invalidRequest,
                    "Field 'tokens': the tokens may stand for \(Self.detokenizedByteLimit) bytes, but stand for more",
                    parameter: "tokens")
            }
        }
        return bytes
    }

    private static func yield() async throws(EngineError) {
        if Task.isCancelled { throw .withdrawn }
        await Task.yield()
    }

    /// Waits until the model is loaded.
    ///
    /// - Throws: the error of the load.
    func loaded() async throws(EngineError) -> OpenedModel {
        let result = await withCheckedContinuation { continuation in
            let known: Result<OpenedModel, EngineError>? = shared.withLock { shared in
                if shared.isClosed { return .failure(.shuttingDown) }
                if shared.loadResult == nil { shared.waiters.append(continuation) }
                return shared.loadResult
            }
            if let known { continuation.resume(returning: known) }
        }
        return try result.get()
    }
}
