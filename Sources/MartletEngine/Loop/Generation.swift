import Llama
import MartletProtocol

/// One answer in the making. Used by the engine's thread alone.
final class Generation {
    let request: PreparedRequest
    let promptCount: Int
    /// Prompt and generated tokens. The sequence's memory holds a beginning of it; the rest is computed next.
    private(set) var history: [Int32]
    /// Generated tokens.
    private(set) var predicted = 0
    /// Later arrivals are larger.
    let arrival: UInt64
    var sampler: Sampler
    private var text: AnswerText
    /// Tokens of the prompt that were in memory when it got its first sequence.
    private(set) var cachedTokens = 0
    private(set) var started: MonotonicTime?
    private var firstToken: MonotonicTime?
    private var lastToken: MonotonicTime?

    init(_ request: PreparedRequest, arrival: UInt64) {
        self.request = request
        self.arrival = arrival
        promptCount = request.tokens.count
        history = request.tokens
        sampler = Sampler(request.sampling, banned: request.banned)
        text = AnswerText(stops: request.stops)
    }

    var handle: GenerationHandle { request.handle }

    /// Gets its first sequence.
    func start(cachedTokens: Int, at time: MonotonicTime) {
        self.cachedTokens = cachedTokens
        started = time
    }

    /// Takes a token that was drawn, and appends to `output` what text became certain.
    ///
    /// - Returns: why the generation ends with it, if it does.
    func accept(
        _ token: Int32, at time: MonotonicTime, vocabulary: Vocabulary, contextLength: Int, into output: inout [UInt8]
    ) -> Completion.Reason? {
        history.append(token)
        predicted += 1
        if firstToken == nil { firstToken = time }
        lastToken = time

        let attributes = vocabulary.attributes(token)
        if attributes.contains(.endOfGeneration) { return .endOfGeneration }
        if attributes.isDisjoint(with: .hidden) || request.visibleControls.contains(token),
            let stop = text.take(vocabulary.piece(token), into: &output)
        {
            return .stopText(stop)
        }
        if let limit = request.maximumTokens, predicted >= limit { return .tokenLimit }
        if let limit = request.maximumTime, let firstToken, time - firstToken >= limit { return .timeLimit }
        return history.count >= contextLength ? .contextFull : nil
    }

    /// Appends the text that was held back.
    func finishText(into output: inout [UInt8]) { text.finish(into: &output) }

    /// Hands the tokens over that are in memory, of which there are `count`.
    func takeHistory(first count: Int) -> [Int32] {
        history.removeLast(history.count - count)
        defer { history = [] }
        return history
    }

    /// What it has cost until `now`.
    func timings(now: MonotonicTime) -> Timings {
        var timings = Timings()
        timings.promptTokens = promptCount
        timings.cachedTokens = cachedTokens
        timings.predictedTokens = predicted
        timings.queueTime = (started ?? now) - request.submitted
        if let started { timings.promptTime = (firstToken ?? now) - started }
        if let firstToken, let lastToken { timings.predictedTime = lastToken - firstToken }
        return timings
    }
}
