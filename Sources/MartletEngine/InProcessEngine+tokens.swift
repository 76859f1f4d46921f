import Llama
package import MartletProtocol

extension InProcessEngine {
    package func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] {
        let tokens = try await tokens(of: [prompt], isForEmbedding: false).first ?? []
        return try await pieces(of: tokens, vocabulary: try await loaded().vocabulary)
    }

    package func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] {
        try TextBudget.standard.check(tokenCount: tokens.count, field: "tokens")
        return try await bytes(of: tokens, vocabulary: try await loaded().vocabulary)
    }

    package func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] {
        guard let limits = try await loaded().embedding else {
            throw EngineError(.invalidRequest, "This engine makes no embeddings.")
        }
        guard !inputs.isEmpty else { return [] }
        let tokens = try await tokens(of: inputs, isForEmbedding: true)
        try limits.check(tokens.map(\.count))
        return try await PendingReply.value { reply in
            let isClosed = shared.withLock { shared in
                // Under the lock, so that it comes before the engine's thread is told to stop.
                if !shared.isClosed { mailbox.post(.embed(EmbeddingJob(inputs: tokens, reply: reply))) }
                return shared.isClosed
            }
            if isClosed { reply.finish(.failure(.shuttingDown)) }
        }
    }

    /// The tokens of each prompt, from the input thread.
    private func tokens(of prompts: [Prompt], isForEmbedding: Bool) async throws(EngineError) -> [[Int32]] {
        let query = { TokenizationQuery(prompts: prompts, isForEmbedding: isForEmbedding, reply: $0) }
        try TextBudget.standard.check(prompts, field: isForEmbedding ? "input" : "content")
        return try await PendingReply.value { reply in
            let isClosed = shared.withLock { shared in
                // Under the lock, so that it comes before the input thread is told to stop.
                if !shared.isClosed { input.post(.tokenize(query(reply))) }
                return shared.isClosed
            }
            if isClosed { reply.finish(.failure(.shuttingDown)) }
        }
    }

    /// Tokens that are looked up before other tasks get their turn.
    private static let chunk = 1 << 14
    /// Most bytes that tokens may stand for: a long token takes few bytes of a request.
    private static let detokenizedByteLimit = 4 * TextBudget.standard.byteCount

    /// Off the caller's actor: many tokens take their time.
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
    private func loaded() async throws(EngineError) -> OpenedModel {
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
