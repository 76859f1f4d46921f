import Llama
import MartletProtocol

/// What is known once a model is loaded. Immutable; any thread may use it.
struct LoadedModel: Sendable {
    let model: Model
    let vocabulary: Vocabulary
    let tokenizer: PromptTokenizer
    let information: ModelInformation

    init(model: Model, vocabulary: Vocabulary, information: ModelInformation) {
        self.model = model
        self.vocabulary = vocabulary
        self.information = information
        tokenizer = PromptTokenizer(vocabulary)
    }

    /// Everything that can be refused or computed before the engine's thread sees a request.
    func prepare(_ request: GenerationRequest, submitted: MonotonicTime) throws(EngineError) -> PreparedRequest {
        let tokens = try tokenizer.tokensToContinue(request.prompt)
        let limit = information.sequenceContextLength
        guard tokens.count < limit else {
            throw EngineError(
                .contextExceeded,
                "request (\(tokens.count) tokens) exceeds the available context size (\(limit) tokens), try increasing it",
                promptTokens: tokens.count, contextSize: limit)
        }
        var banned = vocabulary.suppressed
        if request.ignoresEndOfGeneration { banned += vocabulary.endOfGeneration }
        return PreparedRequest(
            request: request, tokens: tokens, visibleControls: visibleControls(request.visibleMarkers),
            banned: banned, submitted: submitted)
    }

    /// The control tokens whose texts are `markers`.
    private func visibleControls(_ markers: [String]) -> [Int32] {
        markers.compactMap { marker in
            guard let token = vocabulary.specialTokens.token(of: Array(marker.utf8)),
                !vocabulary.attributes(token).isDisjoint(with: .hidden)
            else { return nil }
            return token
        }
    }
}

/// A request whose prompt is tokens.
struct PreparedRequest: Sendable {
    let handle: GenerationHandle
    let tokens: [Int32]
    let sampling: SamplingParameters
    let maximumTokens: Int?
    let maximumTime: Duration?
    let stops: [String]
    let reusesPrompt: Bool
    let reportsProgress: Bool
    /// Control tokens that have a text in the answer.
    let visibleControls: [Int32]
    /// Tokens that are never drawn.
    let banned: [Int32]
    let submitted: MonotonicTime

    init(
        request: GenerationRequest, tokens: [Int32], visibleControls: [Int32], banned: [Int32],
        submitted: MonotonicTime
    ) {
        handle = request.handle
        self.tokens = tokens
        sampling = request.sampling
        maximumTokens = request.maximumTokens
        maximumTime = request.maximumTime
        stops = request.stops
        reusesPrompt = request.reusesPrompt
        reportsProgress = request.reportsProgress
        self.visibleControls = visibleControls
        self.banned = banned
        self.submitted = submitted
    }
}
