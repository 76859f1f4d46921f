import Llama
import MartletGrammar
import MartletProtocol

/// The engine's state of one running choice: its tokens, sampler, text and limits.
///
/// Thread: the engine thread only.
final class EngineSequence {
    /// The request with the tokens of its prompt and of its texts; a fork has those of its original.
    let prepared: PreparedRequest
    /// `prepared.request`: the request without its prompt.
    let request: GenerationRequest
    let handle: GenerationHandle
    let promptCount: Int
    /// The slot and the entry of the KV cache while the sequence runs.
    var slot: Int?
    var entry: KVEntryID?
    /// Prompt and generated tokens. The entry holds a prefix of it; the rest is computed next.
    private(set) var history: [Int32]
    /// The number of prompt tokens at the beginning of `history`; smaller than `promptCount` after a context shift.
    private(set) var promptLength: Int
    /// Whether a context shift has dropped tokens.
    private(set) var isTruncated = false
    /// The prefill that this sequence waits for; only while it runs.
    var awaited: AwaitedPrefix?
    var reuse = PrefixReuse()
    /// The order of arrival: later sequences have larger numbers.
    let arrival: UInt64
    var sampler: Sampler
    /// The texts of the settings' sampling parameters as tokens.
    private(set) var samplingTokens: SamplingTokens
    /// The next token, if it was sampled in parallel and is not accepted yet. Inner `nil`: no token could be sampled.
    var sampledToken: Int32??
    /// The settings after all changes so far.
    private(set) var settings: AdjustableSettings
    /// The state that follows from the output tokens.
    private var text: TextState
    /// States from which a rewind computes the state at any token. Ascending by token; the first is at token 0.
    private var checkpoints: [Checkpoint]
    private(set) var record = OutputRecord()
    /// The grammar of the output; `nil` = any output is allowed.
    private(set) var constraint: CompiledConstraint?
    /// The state of the grammar; `nil` without a grammar.
    private(set) var matcher: TokenMatcher?
    /// Whether a token was accepted that the grammar does not allow.
    private(set) var isOffGrammar = false
    private var pendingProbabilities = PendingProbabilities()
    /// The state of prompt logprobs; `nil` if the request does not ask for them.
    var promptLogprobs: PromptLogprobs?
    private var certain: [TokenProbabilities] = []
    /// Tokens of an earlier run that are still to be sampled again.
    private(set) var replay: ArraySlice<Int32> = []
    /// The number of output tokens that come from an earlier run.
    private var continuedCount = 0
    /// The number of prompt tokens that were cached when the sequence got its first slot.
    private(set) var cachedTokens = 0
    private(set) var started: MonotonicTime?
    private var firstToken: MonotonicTime?
    private var lastToken: MonotonicTime?
    /// The time of the last pause; `nil` if the sequence is not paused.
    private var pausedSince: MonotonicTime?
    /// The total of pauses since the first generated token.
    private var pausedTime = Duration.zero
    /// The time spent on sampling, and the part of it that the grammar took.
    var samplingTime = Duration.zero
    var grammarTime = Duration.zero
    var pendingCommands = PendingCommands()
    /// Drafts and their acceptance; `nil` without speculative decoding.
    var speculation: SequenceSpeculation?
    /// Facts for the client that change nothing in the run.
    var reports = SequenceReports()

    private struct Checkpoint {
        var token: Int
        var text: TextState
    }

    init(_ prepared: PreparedRequest, arrival: UInt64, vocabularySize: Int, matcher: TokenMatcher?) {
        self.prepared = prepared
        request = prepared.request
        handle = request.handle
        self.arrival = arrival
        promptCount = prepared.tokens.count
        promptLength = promptCount
        history = prepared.tokens
        settings = request.settings
        constraint = prepared.constraint
        samplingTokens = prepared.samplingTokens
        sampler = samplingTokens.sampler(for: settings.sampling, vocabularySize: vocabularySize)
        text = TextState(
            outputText: OutputText(stops: settings.stops, minimumIndent: request.parameters.minimumIndent),
            reasoning: prepared.reasoning.map { ReasoningTracker($0.rule) })
        checkpoints = [Checkpoint(token: 0, text: text)]
        self.matcher = matcher
        promptLogprobs = prepared.promptLogprobs
    }

    /// Creates a copy for a fork, with a matcher at the beginning of the grammar. Pending commands are not copied.
    init(
        forking original: EngineSequence, handle: GenerationHandle, arrival: UInt64, at time: MonotonicTime,
        matcher: TokenMatcher?
    ) {
        prepared = original.prepared
        request = original.request
        self.handle = handle
        promptCount = original.promptCount
        promptLength = original.promptLength
        isTruncated = original.isTruncated
        history = original.history
        self.arrival = arrival
        sampler = original.sampler
        samplingTokens = original.samplingTokens
        settings = original.settings
        constraint = original.constraint
        text = original.text
        checkpoints = original.checkpoints
        record = original.record
        pendingProbabilities = original.pendingProbabilities
        promptLogprobs = original.promptLogprobs
        speculation = original.speculation
        reuse.isShifted = original.reuse.isShifted
        self.matcher = matcher
        isOffGrammar = original.isOffGrammar
        cachedTokens = promptCount
        (started, firstToken, lastToken) = (time, time, time)
        follow(matcher)
    }

    /// Advances a matcher that is at the beginning of its grammar by the output tokens so far.
    private func follow(_ matcher: TokenMatcher?) {
        guard let matcher else { return }
        isOffGrammar = false
        for index in settings.constraintStart..<max(predictedCount, settings.constraintStart)
        where !matcher.accept(record.token(index)) {
            isOffGrammar = true
        }
        self.matcher = matcher
    }

    /// Whether the grammar allows `token` next.
    func allows(_ token: Int32) -> Bool { matcher?.allows(token) ?? true }

    /// The number of output tokens, including forced and injected ones. It is also the index of the next token.
    var predictedCount: Int { record.count }

    /// Records the assignment of the first slot.
    func start(cachedTokens: Int, at time: MonotonicTime) {
        self.cachedTokens = cachedTokens
        started = time
    }

    /// Accepts the tokens of an earlier run, except the tokens that must be sampled again.
    ///
    /// - Returns: the reason why the generation has ended with these tokens; `nil` if it continues.
    func resume(vocabulary: Vocabulary, contextLength: Int) -> GenerationSummary.Reason? {
        let tokens = request.continuation
        let begin = firstToReplay(of: tokens, vocabulary: vocabulary)
        replay = tokens[begin...]
        continuedCount = tokens.count
        var discarded: [UInt8] = []
        for token in tokens[..<begin] {
            let end = accept(
                token, nil, at: nil, vocabulary: vocabulary, contextLength: contextLength, into: &discarded)
            if let end { return end }
            if history.count >= contextLength { _ = dropTokens(contextLength: contextLength) }
        }
        return nil
    }

    /// The index of the first token that must be sampled again. Two states do not follow from the tokens alone: the
    /// state of some samplers, and the probabilities of tokens whose text is still withheld.
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

    /// Removes the next token of an earlier run, which replaces the sampled one.
    func popReplayedToken() -> Int32? { replay.popFirst() }

    /// Accepts a sampled token, and appends the text that became certain to `output`.
    ///
    /// - Parameter time: `nil` for a token of an earlier run.
    /// - Returns: the reason why the generation ends with this token; `nil` if it continues.
    func accept(
        _ token: Int32, _ probabilities: TokenProbabilities?, at time: MonotonicTime?, vocabulary: Vocabulary,
        contextLength: Int, into output: inout [UInt8]
    ) -> GenerationSummary.Reason? {
        let index = predictedCount
        let injection = index < continuedCount ? request.injections.first { $0.range.contains(index) } : nil
        if let injection, injection.range.lowerBound == index { record(injection) }
        let turn = injection.flatMap { $0.opensTurn ? $0.range : nil }
        let reason = append(
            token, turn == nil ? self.text(of: token, in: vocabulary) : [], probabilities, at: time,
            contextLength: contextLength, into: &output)
        if let turn {
            if predictedCount == turn.upperBound { beginTurn() }
            return reason
        }
        // Of the tokens of an earlier run only the last can have ended the generation; any other end token was forced.
        let isEnd = vocabulary.attributes(token).contains(.endOfGeneration) && predictedCount >= continuedCount
        return isEnd ? .endOfGeneration : reason
    }

    /// Accepts a token that was not sampled. A token that ends a generation does not end this one.
    ///
    /// - Parameter isHidden: whether the token has no text in the output.
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
            // The grammar can refuse only tokens that an earlier run is said to have written. Then no later token is
            // allowed.
            if !matcher.accept(token) { isOffGrammar = true }
            if matcher.isFinished, !isOffGrammar { return .endOfGeneration }
        }
        if let limit = settings.maximumTokens, predictedCount >= limit { return .tokenLimit }
        if time != nil, let limit = settings.maximumTime, predictedTime >= limit { return .timeLimit }
        return history.count >= contextLength && request.parameters.contextShift == nil ? .contextFull : nil
    }

    /// Whether the output contains a line break.
    var hasLineBreak: Bool { text.outputText.hasLineBreak }

    /// Drops tokens to make room in a full context.
    ///
    /// - Returns: the positions of the dropped tokens; `nil` if the request or the KV cache does not allow it.
    func dropTokens(contextLength: Int) -> Range<Int>? {
        guard let shift = request.parameters.contextShift else { return nil }
        let kept = shift.keep < 0 ? promptLength : shift.keep
        let first = min(max(kept, 0) + prepared.leadingTokens, contextLength - 4, history.count - 1)
        let rest = history.count - first
        let count = min(shift.discard > 0 ? shift.discard : rest / 2, rest - 1)
        guard first >= 0, count > 0 else { return nil }
        history.removeSubrange(first..<first + count)
        speculation?.historyWasCut()
        promptLength -= max(0, min(promptLength, first + count) - first)
        isTruncated = true
        return first..<first + count
    }

    /// The number of characters of the output so far, after those of a prompt whose logprobs are reported.
    var textOffset: Int { (promptLogprobs?.characterCount ?? 0) + text.outputText.characterCount }

    /// The state of the reasoning; `nil` if the delimiters of reasoning are unknown.
    var reasoning: ReasoningTracker? { text.reasoning }

    /// Removes and returns the probabilities of the tokens whose text became certain.
    func drainCertainProbabilities() -> [TokenProbabilities] {
        guard !certain.isEmpty else { return [] }
        defer { certain = [] }
        return certain
    }

    /// Removes and returns the probabilities of the tokens whose text was withheld.
    func finishProbabilities() -> [TokenProbabilities] { pendingProbabilities.finish() }

    /// Appends the text that was withheld.
    func finishText(into output: inout [UInt8]) { text.outputText.finish(into: &output) }

    /// The durations and token counts until `now`.
    func timings(now: MonotonicTime) -> Timings {
        var timings = Timings()
        timings.promptTokens = promptCount
        timings.cachedTokens = cachedTokens
        timings.predictedTokens = predictedCount
        timings.reasoningTokens = reasoning?.tokenCount ?? 0
        timings.queueTime = (started ?? now) - prepared.submitted
        if let started { timings.promptTime = (firstToken ?? now) - started }
        timings.predictedTime = predictedTime
        timings.draftedTokens = speculation?.draftedTokens ?? 0
        timings.acceptedDraftTokens = speculation?.acceptedTokens ?? 0
        (timings.samplingTime, timings.grammarTime) = (samplingTime, grammarTime)
        timings.restoredTokens = reuse.restored
        return timings
    }

    /// The time from the first to the last generated token, without pauses and without the time between two runs.
    private var predictedTime: Duration {
        guard let firstToken, let lastToken else { return request.continuationTime }
        return request.continuationTime + max(lastToken - firstToken - pausedTime, .zero)
    }

    // MARK: Control commands

    var isPaused: Bool { pausedSince != nil }

    func pause(at time: MonotonicTime) { pausedSince = time }

    func resume(at time: MonotonicTime) {
        if let pausedSince, firstToken != nil { pausedTime += time - pausedSince }
        pausedSince = nil
    }

    /// Applies new settings, from the next token on. The caller replaces the sampler.
    ///
    /// - Parameter resolved: the tokens of the change's texts.
    func change(_ change: SettingsChange, _ resolved: ResolvedChange) {
        settings.apply(change)
        samplingTokens.apply(resolved)
        text.reasoning?.budget = settings.reasoningBudget
        guard change.keys.contains(.stops) else { return }
        text.outputText.setStops(settings.stops)
        checkpoints.append(Checkpoint(token: predictedCount, text: text))
    }

    /// Replaces the grammar. The new one applies from the token that the settings name.
    ///
    /// - Parameter matcher: a matcher at the beginning of the new grammar.
    func constrain(to constraint: CompiledConstraint?, _ matcher: TokenMatcher?) {
        self.constraint = constraint
        self.matcher = nil
        follow(matcher)
    }

    /// Begins a new turn, after tokens without text that ended the turn before.
    func beginTurn() {
        text.reasoning?.beginTurn()
        checkpoints.append(Checkpoint(token: predictedCount, text: text))
    }

    /// Announces `count` injected tokens, and raises the token limit by them: the model does not generate them.
    func beginInjection(of count: Int, isHidden: Bool) {
        settings.maximumTokens = settings.maximumTokens.map { $0 + count }
        record(InjectedTokens(predictedCount..<predictedCount + count, opensTurn: isHidden))
    }

    /// Records tokens that are injected next. A new turn ends the text of the turn before, withheld text included.
    private func record(_ injection: InjectedTokens) {
        record.injections.append(injection)
        if injection.opensTurn { text.outputText.setStops(settings.stops) }
    }

    /// Removes all output tokens from index `count` on. `matcher` is at the beginning of the grammar. The caller
    /// replaces the sampler.
    func rewind(to count: Int, vocabulary: Vocabulary, matcher: TokenMatcher?) {
        history.removeLast(predictedCount - count)
        speculation?.historyWasCut()
        let injected = record.injections.tokenCount
        record.cut(to: count)
        continuedCount = min(continuedCount, count)
        settings.constraintStart = min(settings.constraintStart, count)
        settings.maximumTokens = settings.maximumTokens.map { $0 - injected + record.injections.tokenCount }
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
