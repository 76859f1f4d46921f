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
    private let generatesText: Bool
    /// Control tokens whose texts are always part of the output.
    private let alwaysVisibleControlTokens: [Int32]
    private let breakers = SequenceBreakerCache()
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
        let biases = try allBiases(request.sampling, ignoringEndOfGeneration: request.ignoresEndOfGeneration)
        var request = request
        if let rule = request.reasoning { request.reasoning?.budget = try budget(of: rule) }
        return PreparedRequest(
            request: request, tokens: tokens,
            visibleControlTokens: alwaysVisibleControlTokens.isEmpty
                ? visibleControlTokens(request.visibleDelimiters) : alwaysVisibleControlTokens,
            biases: biases, breakers: breakers.breakers(for: request.sampling, vocabulary: vocabulary),
            constraint: try constraints.compile(request.constraint),
            reasoning: try request.reasoning.map { rule throws(EngineError) in
                try PreparedReasoning(rule, tokenizer: tokenizer)
            }, promptLogprobs: try promptLogprobs(of: tokens, for: request),
            leadingTokens: vocabulary.addsBeginning && tokens.first == vocabulary.beginning ? 1 : 0,
            submitted: submitted)
    }

    private func promptLogprobs(
        of tokens: [Int32], for request: GenerationRequest
    ) throws(EngineError) -> PromptLogprobs? {
        guard request.reportsPromptLogprobs, request.probabilities != nil else { return nil }
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

    /// Creates a sampler for other parameters than the request's own.
    func sampler(
        for sampling: SamplingParameters, ignoringEndOfGeneration: Bool
    ) throws(EngineError) -> Sampler {
        Sampler(
            sampling, biases: try allBiases(sampling, ignoringEndOfGeneration: ignoringEndOfGeneration),
            breakers: breakers.breakers(for: sampling, vocabulary: vocabulary), vocabularySize: vocabulary.count)
    }

    private func allBiases(
        _ sampling: SamplingParameters, ignoringEndOfGeneration: Bool
    ) throws(EngineError) -> [TokenBias] {
        var biases = try self.biases(sampling.logitBiases)
        biases += vocabulary.suppressed.map { TokenBias(token: $0, bias: -.infinity) }
        if ignoringEndOfGeneration {
            biases += vocabulary.endOfGeneration.map { TokenBias(token: $0, bias: -.infinity) }
        }
        return biases
    }

    /// Converts biases of texts to biases of tokens.
    private func biases(_ biases: [LogitBias]) throws(EngineError) -> [TokenBias] {
        var result: [TokenBias] = []
        for bias in biases {
            switch bias.target {
            case .token(let token):
                guard vocabulary.isValid(token) else {
                    throw EngineError(
                        .invalidRequest,
                        "Field 'logit_bias': token \(token) is not in the vocabulary, which has 0 to \(vocabulary.count - 1)",
                        parameter: "logit_bias")
                }
                result.append(TokenBias(token: token, bias: bias.bias))
            case .text(let text):
                let prompt = Prompt(pieces: [.text(text, isTrusted: false)], addsBeginning: false)
                result += try tokenizer.tokens(of: prompt).map { TokenBias(token: $0, bias: bias.bias) }
            }
        }
        return result
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
    let handle: GenerationHandle
    let tokens: [Int32]
    let sampling: SamplingParameters
    /// The settings of the request before any change.
    let settings: AdjustableSettings
    let stops: [String]
    let ignoresEndOfGeneration: Bool
    let reusesPrompt: Bool
    /// The scope within which prompts reuse each other's items.
    let cacheScope: UInt64
    /// The future of the computed items after the end of the generation.
    let retention: CacheParameters.Retention
    let reportsProgress: Bool
    /// The state of prompt logprobs; `nil` if the request does not ask for them.
    let promptLogprobs: PromptLogprobs?
    let reportsTokenTimings: Bool
    let slot: Int?
    let minimumIndent: Int
    let contextShift: ContextShift?
    /// The adapters of the request, ascending by index, without adapters of scale 0.
    let adapters: [AdapterScale]
    let sharedPrefillParent: GenerationHandle?
    /// The number of tokens before the client's prompt that a context shift never drops.
    let leadingTokens: Int
    /// Control tokens whose texts are part of the output.
    let visibleControlTokens: [Int32]
    let biases: [TokenBias]
    let breakers: SequenceBreakers
    let reasoning: PreparedReasoning?
    let isPaused: Bool
    let constraint: CompiledConstraint?
    let continuation: [Int32]
    let continuationTime: Duration
    let injectedTurns: [Range<Int>]
    let speculation: SpeculationParameters
    let submitted: MonotonicTime

    init(
        request: GenerationRequest, tokens: [Int32], visibleControlTokens: [Int32], biases: [TokenBias],
        breakers: SequenceBreakers, constraint: CompiledConstraint? = nil, reasoning: PreparedReasoning? = nil,
        promptLogprobs: PromptLogprobs? = nil, leadingTokens: Int = 0,
        submitted: MonotonicTime
    ) {
        handle = request.handle
        self.tokens = tokens
        sampling = request.sampling
        settings = request.settings
        stops = request.stops
        ignoresEndOfGeneration = request.ignoresEndOfGeneration
        reusesPrompt = request.reusesPrompt
        cacheScope = request.tenant.cacheScope
        retention = request.parameters.cache.retention
        reportsProgress = request.reportsProgress
        self.promptLogprobs = promptLogprobs
        reportsTokenTimings = request.reportsTokenTimings
        slot = request.slot
        minimumIndent = request.minimumIndent
        contextShift = request.contextShift
        adapters = request.adapters.filter { $0.scale != 0 }.sorted { $0.index < $1.index }
        sharedPrefillParent = request.sharedPrefillParent
        self.leadingTokens = leadingTokens
        self.visibleControlTokens = visibleControlTokens
        self.biases = biases
        self.breakers = breakers
        self.reasoning = reasoning
        isPaused = request.isPaused
        self.constraint = constraint
        continuation = request.continuation
        continuationTime = request.continuationTime
        injectedTurns = request.injectedTurns
        speculation = request.speculation
        self.submitted = submitted
    }
}
