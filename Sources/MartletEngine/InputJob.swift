import MartletProtocol

/// Prompts that the input processor tokenizes, one bounded step at a time.
///
/// The job of a generation has one prompt; the job of a query may have several; the job of a command has its text, or
/// nothing to tokenize if the command only changes settings.
struct InputJob: Sendable {
    /// The request, query or command that the tokens are for.
    enum Purpose: Sendable {
        case generation(GenerationRequest, submitted: MonotonicTime)
        case query(TokenizationQuery)
        case command(ControlCommand)
    }

    /// A prompt that exceeds the context is counted up to this multiple of the context, so that the error can name the
    /// number of its tokens.
    private static let countedContexts = 4

    let purpose: Purpose
    private let prompts: [Prompt]
    private var finished: [[Int32]] = []
    private var current: PromptTokenization?

    init(_ purpose: Purpose) {
        self.purpose = purpose
        switch purpose {
        case .generation(let request, _): prompts = [request.prompt]
        case .query(let query): prompts = query.prompts
        case .command(let command): prompts = command.text.map { [$0] } ?? []
        }
    }

    /// Tokenizes the next part of the prompts.
    ///
    /// - Returns: the tokens of each prompt; `nil` if a further step is needed.
    /// - Throws: `contextExceeded` or `invalidRequest`.
    mutating func step(_ loaded: OpenedModel) throws(EngineError) -> [[Int32]]? {
        guard finished.count < prompts.count else { return finished }
        let prompt = prompts[finished.count]
        if current == nil {
            try loaded.check(fewestTokensOf: prompt, for: purpose, number: finished.count)
            current = loaded.tokenizer.begin(prompt)
        }
        // Changed in place, so that the tokens are not copied.
        try current?.step()
        guard let tokenization = current else { return nil }
        try check(tokenization, loaded)
        guard tokenization.isFinished else { return nil }
        finished.append(try finish(tokenization.tokens, of: prompt, loaded))
        current = nil
        return finished.count == prompts.count ? finished : nil
    }

    private func check(_ tokenization: PromptTokenization, _ loaded: OpenedModel) throws(EngineError) {
        switch purpose {
        case .generation:
            let limit = loaded.information.sequenceContextLength
            let counted = max(limit * Self.countedContexts, 1 << 16)
            if tokenization.tokens.count > counted, !tokenization.isFinished {
                try loaded.check(promptTokens: tokenization.tokens.count, atLeast: true)
            }
        case .query(let query):
            let count = finished.reduce(tokenization.tokens.count) { $0 + $1.count }
            try TextBudget.standard.check(tokenCount: count, field: query.field)
        // The refusal of a text that exceeds the context names the number of all its tokens.
        case .command: break
        }
    }

    private func finish(_ tokens: [Int32], of prompt: Prompt, _ loaded: OpenedModel) throws(EngineError) -> [Int32] {
        switch purpose {
        case .generation: return try loaded.tokenizer.toContinue(tokens)
        case .query(let query):
            return query.isForEmbedding ? try loaded.tokenizer.toEmbed(tokens, of: prompt) : tokens
        case .command: return tokens
        }
    }
}

/// Texts to tokenize for a task that waits for the result.
struct TokenizationQuery: Sendable {
    let prompts: [Prompt]
    /// Whether the texts are inputs for embeddings: they end with the closing token of the model and have the limits of
    /// embeddings.
    let isForEmbedding: Bool
    let reply: PendingReply<[[Int32]]>

    /// The name of the request field for errors.
    var field: String { isForEmbedding ? "input" : "content" }
}

extension OpenedModel {
    /// Refuses a prompt that is certainly too long, before any of it is tokenized.
    fileprivate func check(
        fewestTokensOf prompt: Prompt, for purpose: InputJob.Purpose, number: Int
    ) throws(EngineError) {
        let count = tokenizer.fewestTokens(of: prompt)
        switch purpose {
        case .generation: try check(promptTokens: count, atLeast: true)
        case .query(let query) where query.isForEmbedding: try embedding?.check(count, number: number)
        case .query, .command: break
        }
    }
}
