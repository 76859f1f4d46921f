import Llama
import MartletGrammar
import MartletProtocol

/// One answer in the making. Used by the engine's thread alone.
final class Generation {
    let request: PreparedRequest
    let promptCount: Int
    /// Prompt and generated tokens. The sequence's memory holds a beginning of it; the rest is computed next.
    private(set) var history: [Int32]
    /// Generated tokens.
    private(set) var predicted = 0
    /// How many tokens of the history are the prompt.
    private(set) var promptLength: Int
    /// Whether tokens were dropped to make room.
    private(set) var isTruncated = false
    /// While it has a sequence: the generation whose work on the same prompt it waits for.
    var awaited: GenerationHandle?
    /// Later arrivals are larger.
    let arrival: UInt64
    var sampler: Sampler
    /// What may be generated; `nil` = anything.
    let matcher: TokenMatcher?
    /// Whether a token was taken that the grammar does not allow.
    private(set) var isAstray = false
    private var text: AnswerText
    private var held = HeldProbabilities()
    private var certain: [TokenProbabilities] = []
    /// Tokens of an earlier run that are still to be drawn again.
    private var replay: ArraySlice<Int32> = []
    /// Tokens of the prompt that were in memory when it got its first sequence.
    private(set) var cachedTokens = 0
    private(set) var started: MonotonicTime?
    private var firstToken: MonotonicTime?
    private var lastToken: MonotonicTime?

    init(_ request: PreparedRequest, arrival: UInt64, vocabularySize: Int, matcher: TokenMatcher?) {
        self.request = request
        self.arrival = arrival
        promptCount = request.tokens.count
        promptLength = promptCount
        history = request.tokens
        sampler = Sampler(
            request.sampling, biases: request.biases, breakers: request.breakers, vocabularySize: vocabularySize)
        text = AnswerText(stops: request.stops, minimumIndent: request.minimumIndent)
        self.matcher = matcher
    }

    var handle: GenerationHandle { request.handle }

    /// Gets its first sequence.
    func start(cachedTokens: Int, at time: MonotonicTime) {
        self.cachedTokens = cachedTokens
        started = time
    }

    /// Takes up what an earlier run has written, but for what is to be drawn again.
    ///
    /// - Returns: why the generation ends with it, if it does.
    func resume(vocabulary: Vocabulary, contextLength: Int) -> Completion.Reason? {
        let tokens = request.continuation
        let begin = firstToReplay(of: tokens, vocabulary: vocabulary)
        replay = tokens[begin...]
        var told: [UInt8] = []
        for token in tokens[..<begin] {
            if let reason = accept(
                token, nil, at: nil, vocabulary: vocabulary, contextLength: contextLength, into: &told)
            {
                return reason
            }
            if history.count >= contextLength { _ = dropTokens(contextLength: contextLength) }
        }
        return nil
    }

    /// What cannot be known from the tokens alone comes back by drawing them again: the memory of some samplers, and
    /// the probabilities of tokens whose text is still held back.
    private func firstToReplay(of tokens: [Int32], vocabulary: Vocabulary) -> Int {
        if sampler.remembersDraws { return 0 }
        guard request.probabilities != nil else { return tokens.count }
        var text = self.text
        var told: [UInt8] = []
        var ends: [Int] = []
        for token in tokens {
            let piece = self.text(of: token, in: vocabulary)
            let end = piece.isEmpty ? nil : text.take(piece, into: &told)
            ends.append(text.takenCount)
            if end != nil { return tokens.count }
        }
        return ends.firstIndex { $0 > text.certainCount } ?? tokens.count
    }

    /// The next token of an earlier run, to be taken instead of the one drawn.
    func takeReplayed() -> Int32? { replay.popFirst() }

    /// Takes a token that was drawn, and appends to `output` what text became certain.
    ///
    /// - Parameter time: `nil` for a token that an earlier run has drawn.
    /// - Returns: why the generation ends with it, if it does.
    func accept(
        _ token: Int32, _ probabilities: TokenProbabilities?, at time: MonotonicTime?, vocabulary: Vocabulary,
        contextLength: Int, into output: inout [UInt8]
    ) -> Completion.Reason? {
        history.append(token)
        predicted += 1
        if firstToken == nil { firstToken = time }
        if let time { lastToken = time }

        let piece = self.text(of: token, in: vocabulary)
        let start = text.takenCount
        let end = piece.isEmpty ? nil : text.take(piece, into: &output)
        if let probabilities {
            held.add(probabilities, start: start, end: text.takenCount)
            certain += end == nil ? held.release(certain: text.certainCount) : held.stop(at: text.certainCount)
        }
        if vocabulary.attributes(token).contains(.endOfGeneration) { return .endOfGeneration }
        switch end {
        case .stop(let stop): return .stopText(stop)
        case .indentation: return .indentation
        case nil: break
        }
        if let matcher {
            // Only what an earlier run is said to have written can be refused; nothing can follow that.
            if !matcher.accept(token) { isAstray = true }
            if matcher.isFinished, !isAstray { return .endOfGeneration }
        }
        if let limit = request.maximumTokens, predicted >= limit { return .tokenLimit }
        if time != nil, let limit = request.maximumTime, predictedTime >= limit { return .timeLimit }
        return history.count >= contextLength && request.contextShift == nil ? .contextFull : nil
    }

    /// Whether the model wrote a line break.
    var hasLineBreak: Bool { text.hasLineBreak }

    /// Drops tokens to make room in a full context.
    ///
    /// - Returns: the places of those that were dropped, or `nil` where it may not or cannot.
    func dropTokens(contextLength: Int) -> Range<Int>? {
        guard let shift = request.contextShift else { return nil }
        let kept = shift.keep < 0 ? promptLength : shift.keep
        let first = min(max(kept, 0) + request.leadingTokens, contextLength - 4, history.count - 1)
        let rest = history.count - first
        let count = min(shift.discard > 0 ? shift.discard : rest / 2, rest - 1)
        guard first >= 0, count > 0 else { return nil }
        history.removeSubrange(first..<first + count)
        promptLength -= max(0, min(promptLength, first + count) - first)
        isTruncated = true
        return first..<first + count
    }

    /// What a token adds to the answer.
    func text(of token: Int32, in vocabulary: Vocabulary) -> ArraySlice<UInt8> {
        let attributes = vocabulary.attributes(token)
        if attributes.contains(.endOfGeneration) { return [] }
        let isVisible = attributes.isDisjoint(with: .hidden) || request.visibleControls.contains(token)
        return isVisible ? vocabulary.piece(token) : []
    }

    /// Characters that the tokens so far have.
    var textOffset: Int { text.characterCount }

    /// Hands over what is known of the tokens whose text became certain.
    func takeCertainProbabilities() -> [TokenProbabilities] {
        guard !certain.isEmpty else { return [] }
        defer { certain = [] }
        return certain
    }

    /// Hands over what is known of the tokens whose text was held back until the end.
    func finishProbabilities() -> [TokenProbabilities] { held.finish() }

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
        timings.predictedTime = predictedTime
        return timings
    }

    /// From the first token to the last, but for the time between two runs.
    private var predictedTime: Duration {
        guard let firstToken, let lastToken else { return request.continuationTime }
        return request.continuationTime + (lastToken - firstToken)
    }
}
