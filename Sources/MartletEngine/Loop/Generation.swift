import Llama
import MartletGrammar
import MartletProtocol

/// One answer in the making. Used by the engine's thread alone.
final class Generation {
    let request: PreparedRequest
    let handle: GenerationHandle
    let promptCount: Int
    /// Prompt and generated tokens. The sequence's memory holds a beginning of it; the rest is computed next.
    private(set) var history: [Int32]
    /// How many tokens of the history are the prompt.
    private(set) var promptLength: Int
    /// Whether tokens were dropped to make room.
    private(set) var isTruncated = false
    /// While it has a sequence: the generation whose work on the same prompt it waits for.
    var awaited: GenerationHandle?
    /// Later arrivals are larger.
    let arrival: UInt64
    var sampler: Sampler
    /// The next token as it was drawn together with those of others, until it is taken.
    var early: Int32??
    /// As they are now.
    private(set) var settings: AdjustableSettings
    /// What the tokens so far come to.
    private var text: TextState
    /// Where the answer can be cut without going through all of it again: ascending, the first at token 0.
    private var checkpoints: [Checkpoint]
    private(set) var record = AnswerRecord()
    /// What may be generated; `nil` = anything.
    private(set) var constraint: CompiledConstraint?
    /// Where that is.
    private(set) var matcher: TokenMatcher?
    /// Whether a token was taken that the grammar does not allow.
    private(set) var isAstray = false
    private var held = HeldProbabilities()
    /// What is told of the prompt's tokens; `nil` = nothing.
    var promptReport: PromptReport?
    private var certain: [TokenProbabilities] = []
    /// Tokens of an earlier run that are still to be drawn again.
    private(set) var replay: ArraySlice<Int32> = []
    /// How many of its tokens an earlier run has written.
    private var continuedCount = 0
    /// Tokens of the prompt that were in memory when it got its first sequence.
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
    var orders = PendingOrders()

    /// What follows from an answer's tokens alone.
    struct TextState {
        var answer: AnswerText
        var reasoning: ReasoningControl?

        mutating func take(_ piece: ArraySlice<UInt8>, into output: inout [UInt8]) -> AnswerText.End? {
            reasoning?.take(piece)
            return piece.isEmpty && !answer.hasReleased ? nil : answer.take(piece, into: &output)
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
            answer: AnswerText(stops: request.stops, minimumIndent: request.minimumIndent),
            reasoning: request.reasoning.map { ReasoningControl($0.rule) })
        checkpoints = [Checkpoint(token: 0, text: text)]
        self.matcher = matcher
        promptReport = request.promptReport
    }

    /// A copy that goes its own way from here on. What waits for a later token stays with the original.
    ///
    /// - Parameter matcher: one that has seen nothing yet.
    init(
        forking original: Generation, handle: GenerationHandle, arrival: UInt64, at time: MonotonicTime,
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
        held = original.held
        promptReport = original.promptReport
        self.matcher = matcher
        isAstray = original.isAstray
        cachedTokens = promptCount
        started = time
        firstToken = time
        lastToken = time
        follow(matcher)
    }

    /// Has a matcher that has seen nothing take the tokens so far.
    private func follow(_ matcher: TokenMatcher?) {
        guard let matcher else { return }
        isAstray = false
        for index in settings.constraintStart..<max(predicted, settings.constraintStart)
        where !matcher.accept(record.token(index)) {
            isAstray = true
        }
        self.matcher = matcher
    }

    /// Whether a token may come next.
    func allows(_ token: Int32) -> Bool { matcher?.allows(token) ?? true }

    /// Generated tokens, forced and injected ones included. The index of the next one.
    var predicted: Int { record.count }

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
        continuedCount = tokens.count
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
        guard settings.probabilities != nil else { return tokens.count }
        var text = self.text.answer
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
        let index = predicted
        let turn = index < continuedCount ? request.injectedTurns.first { $0.contains(index) } : nil
        if let turn, turn.lowerBound == index { announceTurn(turn) }
        let reason = append(
            token, turn == nil ? self.text(of: token, in: vocabulary) : [], probabilities, at: time,
            contextLength: contextLength, into: &output)
        if let turn {
            if predicted == turn.upperBound { beginTurn() }
            return reason
        }
        // Of an earlier run only the last token can have ended it: it was forced otherwise.
        let isEnd = vocabulary.attributes(token).contains(.endOfGeneration) && predicted >= continuedCount
        return isEnd ? .endOfGeneration : reason
    }

    /// Takes a token that nobody drew. One that ends a generation does not end this one.
    ///
    /// - Parameter isHidden: whether the token is no part of the answer's text.
    func force(
        _ token: Int32, isHidden: Bool, at time: MonotonicTime, vocabulary: Vocabulary, contextLength: Int,
        into output: inout [UInt8]
    ) -> Completion.Reason? {
        append(
            token, isHidden ? [] : text(of: token, in: vocabulary), nil, at: time, contextLength: contextLength,
            into: &output)
    }

    private func append(
        _ token: Int32, _ piece: ArraySlice<UInt8>, _ probabilities: TokenProbabilities?, at time: MonotonicTime?,
        contextLength: Int, into output: inout [UInt8]
    ) -> Completion.Reason? {
        history.append(token)
        if firstToken == nil { firstToken = time }
        if let time { lastToken = time }

        let start = text.answer.takenCount
        let before = output.count
        let end = text.take(piece, into: &output)
        if let probabilities {
            record.probabilities[predicted] = probabilities
            held.add(probabilities, start: start, end: text.answer.takenCount)
            certain +=
                end == nil
                ? held.release(certain: text.answer.certainCount) : held.stop(at: text.answer.certainCount)
        }
        record.append(token, output[before...])
        switch end {
        case .stop(let stop): return .stopText(stop)
        case .indentation: return .indentation
        case nil: break
        }
        if let matcher, predicted > settings.constraintStart {
            // Only what an earlier run is said to have written can be refused; nothing can follow that.
            if !matcher.accept(token) { isAstray = true }
            if matcher.isFinished, !isAstray { return .endOfGeneration }
        }
        if let limit = settings.maximumTokens, predicted >= limit { return .tokenLimit }
        if time != nil, let limit = settings.maximumTime, predictedTime >= limit { return .timeLimit }
        return history.count >= contextLength && request.contextShift == nil ? .contextFull : nil
    }

    /// Whether the model wrote a line break.
    var hasLineBreak: Bool { text.answer.hasLineBreak }

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
    var textOffset: Int { (promptReport?.characterCount ?? 0) + text.answer.characterCount }

    /// Whether it may have no more tokens.
    var isAtTokenLimit: Bool { settings.maximumTokens.map { predicted >= $0 } ?? false }

    /// Where it stands with its thinking; `nil` where its markers are not known.
    var reasoning: ReasoningControl? { text.reasoning }

    /// Hands over what is known of the tokens whose text became certain.
    func takeCertainProbabilities() -> [TokenProbabilities] {
        guard !certain.isEmpty else { return [] }
        defer { certain = [] }
        return certain
    }

    /// Hands over what is known of the tokens whose text was held back until the end.
    func finishProbabilities() -> [TokenProbabilities] { held.finish() }

    /// Appends the text that was held back.
    func finishText(into output: inout [UInt8]) { text.answer.finish(into: &output) }

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
        text.answer.setStops(settings.stops)
        checkpoints.append(Checkpoint(token: predicted, text: text))
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
        checkpoints.append(Checkpoint(token: predicted, text: text))
    }

    /// The next `count` tokens will be injected. The limit is raised by what the model does not write.
    func announceInjection(of count: Int, isHidden: Bool) {
        settings.maximumTokens = settings.maximumTokens.map { $0 + count }
        let tokens = predicted..<predicted + count
        if isHidden { announceTurn(tokens) } else { record.injections.append((tokens, false)) }
    }

    /// What was held back belongs to the turn that ends.
    private func announceTurn(_ tokens: Range<Int>) {
        record.injections.append((tokens, true))
        text.answer.setStops(settings.stops)
    }

    /// Forgets all tokens from number `count` on. The sampler is for the caller to make anew.
    ///
    /// - Parameter matcher: one that has seen nothing yet.
    func rewind(to count: Int, vocabulary: Vocabulary, matcher: TokenMatcher?) {
        history.removeLast(predicted - count)
        let injected = record.injectedCount
        record.cut(to: count)
        continuedCount = min(continuedCount, count)
        settings.constraintStart = min(settings.constraintStart, count)
        settings.maximumTokens = settings.maximumTokens.map { $0 - injected + record.injectedCount }
        checkpoints.removeAll { $0.token > count }
        let last = checkpoints[checkpoints.count - 1]
        text = last.text
        held = HeldProbabilities()
        var ignored: [UInt8] = []
        for index in last.token..<count {
            let start = text.answer.takenCount
            _ = text.take(self.text(of: record.token(index), in: vocabulary), into: &ignored)
            guard let probabilities = record.probabilities[index] else { continue }
            held.add(probabilities, start: start, end: text.answer.takenCount)
            _ = held.release(certain: text.answer.certainCount)
        }
        text.reasoning?.budget = settings.reasoningBudget
        follow(matcher)
    }
}
