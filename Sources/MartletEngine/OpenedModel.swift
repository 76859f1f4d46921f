import Llama
import MartletGrammar
import MartletProtocol

/// A loaded model with its vocabulary and everything that validation needs. Immutable; any thread may use it.
struct OpenedModel: Sendable {
    let model: Model
    let vocabulary: Vocabulary
    let tokenizer: PromptTokenizer
    let information: ModelInformation
    /// The adapters in the order of `information.adapters`.
    let adapters: [Adapter]
    /// The limits of inputs for embeddings; `nil` if the engine makes none.
    let embedding: EmbeddingLimits?
    /// Whether the model generates text. A model without a KV cache only computes embeddings.
    let generatesText: Bool
    /// Control tokens whose texts are always part of the output.
    private let alwaysVisibleControlTokens: [Int32]
    let breakers = SequenceBreakerCache()
    let constraints: ConstraintCompiler

    init(
        model: Model, vocabulary: Vocabulary, information: ModelInformation, adapters: [Adapter] = [],
        embedding: EmbeddingLimits? = nil, generatesText: Bool = true, showsControlTokens: Bool = false,
        grammarLimits: GrammarLimits = .standard
    ) {
        self.model = model
        self.vocabulary = vocabulary
        self.information = information
        self.adapters = adapters
        self.embedding = embedding
        self.generatesText = generatesText
        alwaysVisibleControlTokens =
            showsControlTokens
            ? (0..<Int32(vocabulary.count)).filter { !vocabulary.attributes($0).isDisjoint(with: .hidden) } : []
        tokenizer = PromptTokenizer(vocabulary)
        constraints = ConstraintCompiler(vocabulary, limits: grammarLimits)
    }

    /// Validates a request and computes everything that does not need the context. Thread: the input processor's
    /// thread.
    ///
    /// - Parameter tokens: the tokens of the prompt; at least one.
    /// - Throws: the error that the request ends with.
    func prepare(
        _ request: GenerationRequest, tokens: [Int32], submitted: MonotonicTime
    ) throws(EngineError) -> PreparedRequest {
        guard generatesText else {
            throw EngineError(.invalidRequest, "This model generates no text: it is for embeddings.")
        }
        try check(promptTokens: tokens.count)
        for adapter in request.adapters where !information.adapters.indices.contains(adapter.index) {
            throw EngineError(
                .invalidRequest,
                "Field 'lora': there is no adapter \(adapter.index); this server has \(information.adapters.count)")
        }
        if let invalidToken = request.continuation.first(where: { !vocabulary.isValid($0) }) {
            throw PromptTokenizer.unknownToken(invalidToken, in: "continuation", count: vocabulary.count)
        }
        let samplingTokens = try samplingTokens(
            of: request.parameters.sampling, ignoringEndOfGeneration: request.parameters.ignoresEndOfGeneration)
        var request = request
        if let rule = request.reasoning { request.reasoning?.budget = try budget(of: rule) }
        return PreparedRequest(
            request: request, tokens: tokens,
            visibleControlTokens: alwaysVisibleControlTokens.isEmpty
                ? visibleControlTokens(request.visibleDelimiters) : alwaysVisibleControlTokens,
            samplingTokens: samplingTokens, constraint: try constraints.compile(request.parameters.constraint),
            reasoning: try request.reasoning.map { rule throws(EngineError) in
                try PreparedReasoning(rule, tokenizer: tokenizer)
            }, promptLogprobs: try promptLogprobs(of: tokens, for: request),
            leadingTokens: vocabulary.addsBeginning && tokens.first == vocabulary.beginning ? 1 : 0,
            boundaries: TokenBoundaries.find(
                in: request.prompt, tokens: tokens, beginning: vocabulary.beginning, bytes: { vocabulary.piece($0) }),
            submitted: submitted)
    }

    private func promptLogprobs(
        of tokens: [Int32], for request: GenerationRequest
    ) throws(EngineError) -> PromptLogprobs? {
        guard request.parameters.reportsPromptLogprobs, request.parameters.probabilities != nil else { return nil }
        let own = try tokenizer.tokens(of: Prompt(pieces: request.prompt.pieces, addsBeginning: false))
        let isText = if case .text? = request.prompt.pieces.first { true } else { false }
        return PromptLogprobs(of: tokens, from: tokens.count - own.count, isText: isText, vocabulary: vocabulary)
    }

    /// Checks the length of a prompt against the context.
    ///
    /// - Parameter atLeast: whether `count` is only a lower bound.
    /// - Throws: `contextExceeded`.
    func check(promptTokens count: Int, atLeast: Bool = false) throws(EngineError) {
        let limit = information.sequenceContextLength
        guard count < limit else {
            throw EngineError(
                .contextExceeded,
                "request (\(atLeast ? "at least " : "")\(count) tokens) exceeds the available context size "
                    + "(\(limit) tokens), try increasing it", promptTokens: count, contextSize: limit)
        }
    }

    /// The reasoning budget that earlier outputs of the user's turn have left; `nil` = no limit.
    private func budget(of rule: ReasoningRule) throws(EngineError) -> Int? {
        guard var left = rule.turnBudget else { return rule.budget }
        for text in rule.earlierReasoning { left -= try tokenizer.tokens(ofMessage: text).count }
        return min(rule.budget ?? .max, max(left, 0))
    }

    /// The control tokens whose texts are `delimiters`.
    private func visibleControlTokens(_ delimiters: [String]) -> [Int32] {
        delimiters.compactMap { delimiter in
            guard let token = vocabulary.specialTokens.token(of: Array(delimiter.utf8)),
                !vocabulary.attributes(token).isDisjoint(with: .hidden)
            else { return nil }
            return token
        }
    }
}

/// A validated request with a tokenized prompt, ready for the engine thread.
struct PreparedRequest: Sendable {
    /// The request without its prompt, which `tokens` replaces. Its adapters ascend by index, and none has scale 0.
    let request: GenerationRequest
    /// The tokens of the prompt; at least one.
    let tokens: [Int32]
    /// The state of prompt logprobs; `nil` if the request does not ask for them.
    let promptLogprobs: PromptLogprobs?
    /// The number of tokens before the client's prompt that a context shift never drops.
    let leadingTokens: Int
    /// Control tokens whose texts are part of the output.
    let visibleControlTokens: [Int32]
    /// The texts of the request's sampling parameters as tokens.
    let samplingTokens: SamplingTokens
    let reasoning: PreparedReasoning?
    let constraint: CompiledConstraint?
    let submitted: MonotonicTime
    /// The places at which other prompts may part from this one, ascending.
    let boundaries: [TokenBoundary]

    init(
        request: GenerationRequest, tokens: [Int32], visibleControlTokens: [Int32], samplingTokens: SamplingTokens,
        constraint: CompiledConstraint? = nil, reasoning: PreparedReasoning? = nil,
        promptLogprobs: PromptLogprobs? = nil, leadingTokens: Int = 0, boundaries: [TokenBoundary] = [],
        submitted: MonotonicTime
    ) {
        var request = request
        request.prompt.pieces = []
        request.adapters = request.adapters.filter { $0.scale != 0 }.sorted { $0.index < $1.index }
        self.request = request
        self.tokens = tokens
        self.promptLogprobs = promptLogprobs
        self.leadingTokens = leadingTokens
        self.visibleControlTokens = visibleControlTokens
        self.samplingTokens = samplingTokens
        self.reasoning = reasoning
        self.constraint = constraint
        self.submitted = submitted
        self.boundaries = boundaries
    }
}
