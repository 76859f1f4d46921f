import Llama
import MartletGrammar
import MartletProtocol

/// One answer in the making. Used by the engine's thread alone.
final class EngineSequence {
    let request: PreparedRequest
    let handle: GenerationHandle
    let promptCount: Int
    /// Prompt and generated tokens. The slot's memory holds a beginning of it; the rest is computed next.
    private(set) var history: [Int32]
    /// How many tokens of the history are the prompt.
    private(set) var promptLength: Int
    /// Whether tokens were dropped to make room.
    private(set) var isTruncated = false
    /// While it has a slot: the generation whose work on the same prompt it waits for.
    var awaitedParent: GenerationHandle?
    /// Later arrivals are larger.
    let arrival: UInt64
    var sampler: Sampler
    /// The next token as it was sampled together with those of others, until it is taken.
    var sampledToken: Int32??
    /// As they are now.
    private(set) var settings: AdjustableSettings
    /// What the tokens so far come to.
    private var text: TextState
    /// Where the answer can be cut without going through all of it again: ascending, the first at token 0.
    private var checkpoints: [Checkpoint]
    private(set) var record = OutputRecord()
    /// What may be generated; `nil` = anything.
    private(set) var constraint: CompiledConstraint?
    /// Where that is.
    private(set) var matcher: TokenMatcher?
    /// Whether a token was taken that the grammar does not allow.
    private(set) var isOffGrammar = false
    private var pendingProbabilities = PendingProbabilities()
    /// What is told of the prompt's tokens; `nil` = nothing.
    var promptLogprobs: PromptLogprobs?
    private var certain: [TokenProbabilities] = []
    /// Tokens of an earlier run that are still to be sampled again.
    private(set) var replay: ArraySlice<Int32> = []
    /// How many of its tokens an earlier run has written.
    private var continuedCount = 0
    /// Tokens of the prompt that were in memory when it got its first slot.
    private(set) var cachedTokens = 0
    private(set) var started: MonotonicTime?
    private var firstToken: MonotonicTime?
    private var lastToken: MonotonicTime?
    /// Since when it is paused.
    private var pausedSince: MonotonicTime?
    /// How long it was paused since the first token.
    private var pausedTime = Duration.zero
    /// What choosing its tokens took, and of that what asking its grammar took.
    var samplingTime = Duration.zero
    var grammarTime = Duration.zero
    var pendingCommands = PendingCommands()

    /// What follows from an answer's tokens alone.
    struct TextState {
        var outputText: OutputText
        var reasoning: ReasoningTracker?

        mutating func consume(_ piece: ArraySlice<UInt8>, into output: inout [UInt8]) -> OutputText.End? {
            reasoning?.consume(piece)
            return piece.isEmpty && !outputText.hasReleased ? nil : outputText.consume(piece, into: &output)
        }
    }

    private struct Checkpoint {
        var token: Int
        var text: TextState
    }

    init(_ request: PreparedRequest, arrival: UInt64, vocabularySize: Int, matcher: TokenMatcher?) {
        self.request = request
        handle = request.handle
        self.arrival = arrival
        promptCount = request.tokens.count
        promptLength = promptCount
        history = request.tokens
        settings = request.settings
        constraint = request.constraint
        sampler = Sampler(
            request.sampling, biases: request.biases, breakers: request.breakers, vocabularySize: vocabularySize)
        text = TextState(
            outputText: OutputText(stops: request.stops, minimumIndent: request.minimumIndent),
            reasoning: request.reasoning.map { ReasoningTracker($0.rule) })
        checkpoints = [Checkpoint(token: 0, text: text)]
        self.matcher = matcher
        promptLogprobs = request.promptLogprobs
    }

    /// A copy that goes its own way from here on. What waits for a later token stays with the original.
    ///
    /// - Parameter matcher: one that has seen nothing yet.
    init(
        forking original: EngineSequence, handle: GenerationHandle, arrival: UInt64, at time: MonotonicTime,
        matcher: TokenMatcher?
    ) {
        request = original.request
        self.handle = handle
        promptCount = original.promptCount
        promptLength = original.promptLength
        isTruncated = original.isTruncated
        history = original.history
        self.arrival = arrival
        sampler = original.sampler
        settings = original.settings
        constraint = original.constraint
        text = original.text
        checkpoints = original.checkpoints
        record = original.record
        pendingProbabilities = original.pendingProbabilities
        promptLogprobs = original.promptLogprobs
        self.matcher = matcher
        isOffGrammar = original.isOffGrammar
        cachedTokens = promptCount
        started = time
        firstToken = time
        lastToken = time
        follow(matcher)
    }

    /// Has a matcher that has seen nothing accept the tokens so far.
    private func follow(_ matcher: TokenMatcher?) {
        guard let matcher else { return }
        isOffGrammar = false
        for index in settings.constraintStart..<max(predictedCount, settings.constraintStart)
        where !matcher.accept(record.token(index)) {
            isOffGrammar = true
        }
        self.matcher = matcher
    }

    /// Whether a token may come next.
    func allows(_ token: Int32) -> Bool { matcher?.allows(token) ?? true }

    /// Generated tokens, forced and injected ones included. The index of the next one.
    var predictedCount: Int { record.count }

    /// Gets its first slot.
    func start(cachedTokens: Int, at time: MonotonicTime) {
        self.cachedTokens = cachedTokens
        started = time
    }

    /// Takes up what an earlier run has written, but for what is to be sampled again.
    ///
    /// - Returns: why the generation ends with it, if it does.
    func resume(vocabulary: Vocabulary, contextLength: Int) -> GenerationSummary.Reason? {
        let tokens = request.continuation
        let begin = firstToReplay(of: tokens, vocabulary: vocabulary)
        replay = tokens[begin...]
        continuedCount = tokens.count
        var discarded: [UInt8] = []
        for token in tokens[..<begin] {
            if let reason = accept(
                token, nil, at: nil, vocabulary: vocabulary, contextLength: contextLength, into: &discarded)
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
        if sampler.hasSelectionState { return 0 }
        guard settings.probabilities != nil else { return tokens.count }
        var text = self.text.outputText
        var discarded: [UInt8] = []
        var ends: [Int] = []
        for token in tokens {
            let piece = self.text(of: token, in: vocabulary)
            let end = piece.isEmpty ? nil : text.consume(piece, into: &discarded)
            ends.append(text.consumedByteCount)
            if end != nil { return tokens.count }
        }
        return ends.firstIndex { $0 > text.certainByteCount } ?? tokens.count
    }

    /// The next token of an earlier run, to be taken instead of the one sampled.
    func popReplayedToken() -> Int32? { replay.popFirst() }

    /// Takes a token that was sampled, and appends to `output` what text became certain.
    ///
    /// - Parameter time: `nil` for a token that an earlier run has sampled.
    /// - Returns: why the generation ends with it, if it does.
    func accept(
        _ token: Int32, _ probabilities: TokenProbabilities?, at time: MonotonicTime?, vocabulary: Vocabulary,
        contextLength: Int, into output: inout [UInt8]
    ) -> GenerationSummary.Reason? {
        let index = predictedCount
        let turn = index < continuedCount ? request.injectedTurns.first { $0.contains(index) } : nil
        if let turn, turn.lowerBound == index { beginInjectedTurn(turn) }
        let reason = append(
            token, turn == nil ? self.text(of: token, in: vocabulary) : [], probabilities, at: time,
            contextLength: contextLength, into: &output)
        if let turn {
            if predictedCount == turn.upperBound { beginTurn() }
            return reason
        }
        // Of an earlier run only the last token can have ended it: it was forced otherwise.
        let isEnd = vocabulary.attributes(token).contains(.endOfGeneration) && predictedCount >= continuedCount
        return isEnd ? .endOfGeneration : reason
    }

    /// Takes a token that nobody drew. One that ends a generation does not end this one.
    ///
    /// - Parameter isHidden: whether the token is no part of the answer's text.
    func force(
        _ token: Int32, isHidden: Bool, at time: MonotonicTime, vocabulary: Vocabulary, contextLength: Int,
        into output: inout [UInt8]
    ) -> GenerationSummary.Reason? {
        append(
            token, isHidden ? [] : text(of: token, in: vocabulary), nil, at: time, contextLength: contextLength,
            into: &output)
    }

    private func append(
        _ token: Int32, _ piece: ArraySlice<UInt8>, _ probabilities: TokenProbabilities?, at time: MonotonicTime?,
        contextLength: Int, into output: inout [UInt8]
    ) -> GenerationSummary.Reason? {
        history.append(token)
        if firstToken == nil { firstToken = time }
        if let time { lastToken = time }

        let start = text.outputText.consumedByteCount
        let before = output.count
        let end = text.consume(piece, into: &output)
        if let probabilities {
            record.probabilities[predictedCount] = probabilities
            pendingProbabilities.add(probabilities, start: start, end: text.outputText.consumedByteCount)
            certain +=
                end == nil
                ? pendingProbabilities.release(certain: text.outputText.certainByteCount)
                : pendingProbabilities.stop(at: text.outputText.certainByteCount)
        }
        record.append(token, output[before...])
        switch end {
        case .stop(let stop): return .stopText(stop)
        case .indentation: return .indentation
        case nil: break
        }
        if let matcher, predictedCount > settings.constraintStart {
            // Only what an earlier run is said to have written can be refused; nothing can follow that.
            if !matcher.accept(token) { isOffGrammar = true }
            if matcher.isFinished, !isOffGrammar { return .endOfGeneration }
        }
        if let limit = settings.maximumTokens, predictedCount >= limit { return .tokenLimit }
        if time != nil, let limit = settings.maximumTime, predictedTime >= limit { return .timeLimit }
        return history.count >= contextLength && request.contextShift == nil ? .contextFull : nil
    }

    /// Whether the model wrote a line break.
    var hasLineBreak: Bool { text.outputText.hasLineBreak }

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

    /// Characters that the tokens so far have; those of a prompt that is told come before them.
    var textOffset: Int { (promptLogprobs?.characterCount ?? 0) + text.outputText.characterCount }

    /// Whether it may have no more tokens.
    var isAtTokenLimit: Bool { settings.maximumTokens.map { predictedCount >= $0 } ?? false }

    /// Where it stands with its thinking; `nil` where its markers are not known.
    var reasoning: ReasoningTracker? { text.reasoning }

    /// Hands over what is known of the tokens whose text became certain.
    func drainCertainProbabilities() -> [TokenProbabilities] {
        guard !certain.isEmpty else { return [] }
        defer { certain = [] }
        return certain
    }

    /// Hands over what is known of the tokens whose text was held back until the end.
    func finishProbabilities() -> [TokenProbabilities] { pendingProbabilities.finish() }

    /// Appends the text that was held back.
    func finishText(into output: inout [UInt8]) { text.outputText.finish(into: &output) }

    /// Hands the tokens over that are in memory, of which there are `count`.
    func releaseHistory(first count: Int) -> [Int32] {
        history.removeLast(history.count - count)
        defer { history = [] }
        return history
    }

    /// What it has cost until `now`.
    func timings(now: MonotonicTime) -> Timings {
        var timings = Timings()
        timings.promptTokens = promptCount
        timings.cachedTokens = cachedTokens
        timings.predictedTokens = predictedCount
        timings.reasoningTokens = reasoning?.tokenCount ?? 0
        timings.queueTime = (started ?? now) - request.submitted
        if let started { timings.promptTime = (firstToken ?? now) - started }
        timings.predictedTime = predictedTime
        timings.samplingTime = samplingTime
        timings.grammarTime = grammarTime
        return timings
    }

    /// From the first token to the last, but for pauses and the time between two runs.
    private var predictedTime: Duration {
        guard let firstToken, let lastToken else { return request.continuationTime }
        return request.continuationTime + max(lastToken - firstToken - pausedTime, .zero)
    }

    // MARK: Orders

    var isPaused: Bool { pausedSince != nil }

    func pause(at time: MonotonicTime) { pausedSince = time }

    func resume(at time: MonotonicTime) {
        if let pausedSince, firstToken != nil { pausedTime += time - pausedSince }
        pausedSince = nil
    }

    /// Takes new values that hold from the next token on.
    func change(_ change: SettingsChange) {
        settings.apply(change)
        text.reasoning?.budget = settings.reasoningBudget
        guard change.keys.contains(.stops) else { return }
        text.outputText.setStops(settings.stops)
        checkpoints.append(Checkpoint(token: predictedCount, text: text))
    }

    /// Follows another grammar from where the settings say that it begins.
    /// - Parameter matcher: one of that grammar that has seen nothing yet.
    func constrain(to constraint: CompiledConstraint?, _ matcher: TokenMatcher?) {
        self.constraint = constraint
        self.matcher = nil
        follow(matcher)
    }

    /// A turn was closed and a new one opened by tokens without text.
    func beginTurn() {
        text.reasoning?.beginTurn()
        checkpoints.append(Checkpoint(token: predictedCount, text: text))
    }

    /// The next `count` tokens will be injected. The limit is raised by what the model does not write.
    func beginInjection(of count: Int, isHidden: Bool) {
        settings.maximumTokens = settings.maximumTokens.map { $0 + count }
        let tokens = predictedCount..<predictedCount + count
        if isHidden { beginInjectedTurn(tokens) } else { record.injections.append((tokens, false)) }
    }

    /// What was held back belongs to the turn that ends.
    private func beginInjectedTurn(_ tokens: Range<Int>) {
        record.injections.append((tokens, true))
        text.outputText.setStops(settings.stops)
    }

    /// Forgets all tokens from number `count` on. The sampler is for the caller to make anew.
    ///
    /// - Parameter matcher: one that has seen nothing yet.
    func rewind(to count: Int, vocabulary: Vocabulary, matcher: TokenMatcher?) {
        history.removeLast(predictedCount - count)
        let injected = record.injectedCount
        record.cut(to: count)
        continuedCount = min(continuedCount, count)
        settings.constraintStart = min(settings.constraintStart, count)
        settings.maximumTokens = settings.maximumTokens.map { $0 - injected + record.injectedCount }
        checkpoints.removeAll { $0.token > count }
        let last = checkpoints[checkpoints.count - 1]
        text = last.text
        pendingProbabilities = PendingProbabilities()
        var ignored: [UInt8] = []
        for index in last.token..<count {
            let start = text.outputText.consumedByteCount
            _ = text.consume(self.text(of: record.token(index), in: vocabulary), into: &ignored)
            guard let probabilities = record.probabilities[index] else { continue }
            pendingProbabilities.add(probabilities, start: start, end: text.outputText.consumedByteCount)
            _ = pendingProbabilities.release(certain: text.outputText.certainByteCount)
        }
        text.reasoning?.budget = settings.reasoningBudget
        follow(matcher)
    }
}
