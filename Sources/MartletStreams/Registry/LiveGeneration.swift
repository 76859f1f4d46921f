internal import MartletObservability
internal import MartletProtocol
internal import NIOCore

/// A generation that has not ended: its log, and what stands between the engine's text and the log.
///
/// A class, because there is much of it and every token changes some.
///
/// Thread: under the registry's lock.
final class LiveGeneration {
    /// How far the request has come on its way to the engine.
    enum Stage {
        /// The engine does not know of it.
        case prepared
        /// It is being handed over. When `isCancelled`, whoever does that cancels it right after.
        case submitting(isCancelled: Bool)
        case submitted
    }

    let generation: Generation
    /// Which of the generation's choices this is.
    let choice: Int
    /// How it ended, while others of the generation's choices go on.
    var completion: GenerationSummary?
    /// Where its model's metrics are.
    let series: Int
    var stage = Stage.prepared
    /// Whether its client was told of it, so that it is looked for even if the engine refuses it.
    var hasPublishedID = false
    /// What ends it instead of the engine's last event.
    var overridingError: EngineError?
    /// When its stream had something to show last.
    private(set) var lastOutput: NIODeadline
    /// Of the log.
    var byteCount = 0
    private(set) var isAdmitted = false
    private(set) var isStarted = false
    /// How many tokens of the prompt were told.
    private var reportedPromptTokens = 0
    private var lastToken: NIODeadline?
    /// What it was submitted as, with the settings of now.
    var request: GenerationRequest?
    /// What the server keeps of the client's request.
    var forkContext: (any Sendable)?
    var commands = UnresolvedCommands()
    var isPaused = false
    /// The number that its end gets, if not the next one.
    private var endNumber: Int?
    var tokenTexts = TokenTextIndex()
    /// How many tokens of an injected turn are still to come.
    var tokensUntilTurn: Int?
    /// As it was at the beginning of the answer.
    private(set) var initialParser: (any OutputParsing)?
    private var parser: (any OutputParsing)?
    private var channel = MartletProtocol.OutputChannel.content
    /// How many tool calls have begun, and how many of them are complete.
    private var calls = (begun: 0, ended: 0)

    private let log: ChoiceLog

    init(_ generation: Generation, choice: Int = 0, series: Int) {
        self.generation = generation
        self.choice = choice
        self.series = series
        log = ChoiceLog(log: generation.log, choice: choice, isAmongSeveral: generation.spec.choiceCount > 1)
        lastOutput = generation.begin
    }

    func setParser(_ parser: (any OutputParsing)?) {
        self.parser = parser
        initialParser = parser
    }

    /// Begins a turn anew, behind `text` of it, which was written into the log before.
    ///
    /// - Returns: how many bytes of that are content.
    @discardableResult
    func restartParser(with text: ArraySlice<UInt8>) -> Int {
        parser = initialParser
        channel = .content
        var contentBytes = parser == nil ? text.count : 0
        parser?.append(text) { piece in
            guard case .text(let part, let bytes) = piece else { return }
            channel = part
            if part == .content { contentBytes += bytes.count }
        }
        return contentBytes
    }

    /// A turn ends within the answer: what is held back belongs to it.
    func finishParser(at now: NIODeadline, wakeups: inout Wakeups) {
        let growth = log.append(to: &wakeups) { add in
            guard var parser else { return }
            var token: Int32?
            parser.finish { append($0, token: &token, add) }
        }
        recordGrowth(growth, at: now)
        restartParser(with: [])
    }

    /// Notes how long it took to what the engine reports.
    func measure(_ event: EngineEvent.Kind, at now: NIODeadline, in series: inout GenerationMetrics.Series) {
        switch event {
        case .token:
            if let lastToken {
                series.nextToken(after: (now - lastToken).nanoseconds)
            } else {
                generation.reach(.firstToken, at: now)
                series.firstToken(after: (now - generation.begin).nanoseconds)
            }
            lastToken = now
        case .admitted: generation.reach(.admitted, at: now)
        case .started:
            generation.reach(.started, at: now)
            series.started(after: (now - generation.begin).nanoseconds)
        case .finished(let completion, _): series.finished(completion.timings)
        case .promptProgress, .promptLogprobs, .controlled, .failed: break
        }
    }

    /// An end as it counts: as what was decided, not as what the engine makes of being stopped for it.
    func overridden(_ input: GenerationInput) -> GenerationInput {
        guard let overridingError, case .engine(let event) = input, event.isTerminal else { return input }
        return .engine(EngineEvent(event.handle, .failed(overridingError)))
    }

    /// Writes an input into the log.
    /// - Parameter isNew: whether it happens now, rather than in an earlier process.
    /// - Returns: Whether the generation has ended.
    func apply(
        _ input: GenerationInput, at now: NIODeadline, isNew: Bool = true, wakeups: inout Wakeups
    ) -> Bool {
        switch input {
        case .engine(let event): return apply(event, at: now, wakeups: &wakeups)
        case .ping: recordGrowth(log.append(to: &wakeups) { $0(.ping) }, at: now)
        case .handedOver where isNew: log.handOver(to: &wakeups)
        case .handedOver: recordGrowth(log.append(to: &wakeups) { $0(.handedOver) }, at: now)
        case .parted where isNew: log.handOver(to: &wakeups)
        case .parted: break
        case .command(let record):
            // Of what an earlier process was told: who gives it again gets the reply that comes now.
            let promise = CommandPromise()
            addCommand(record, promise)
            if let identity = record.identity { try? generation.addCommand(promise, identity: identity) }
        case .leap(let number): endNumber = number
        }
        return false
    }

    private func apply(_ event: EngineEvent, at now: NIODeadline, wakeups: inout Wakeups) -> Bool {
        switch event.kind {
        case .admitted(let promptTokens):
            // A continued generation is admitted and started again.
            guard !isAdmitted else { break }
            isAdmitted = true
            generation.log.recordAdmission(&wakeups)
            recordGrowth(log.append(to: &wakeups) { $0(.admitted(promptTokens: promptTokens)) }, at: now)
        case .started(_, let cachedTokens):
            guard !isStarted else { break }
            isStarted = true
            recordGrowth(log.append(to: &wakeups) { $0(.started(cachedTokens: cachedTokens)) }, at: now)
        case .promptProgress(let progress):
            recordGrowth(log.append(to: &wakeups) { $0(.promptProgress(progress)) }, at: now)
        case .promptLogprobs(let first):
            // A continued generation may tell them again.
            let newTokens = event.probabilities.dropFirst(max(0, reportedPromptTokens - first))
            guard !newTokens.isEmpty else { break }
            reportedPromptTokens += newTokens.count
            recordGrowth(log.append(to: &wakeups) { $0(.promptTokens(Array(newTokens))) }, at: now)
        case .controlled(let number, let result):
            recordResult(of: number, result, at: now, wakeups: &wakeups)
        case .token(let id, let text):
            let tokenDetails = TokenDetails(probabilities: event.probabilities, tokenTimings: event.tokenTimings)
            let growth =
                tokenDetails.isEmpty
                ? appendToken(id, text, wakeups: &wakeups)
                : appendWithDetails(id, text, tokenDetails, wakeups: &wakeups)
            recordGrowth(growth, at: now)
            recordText(text, eventEnd: growth.nextNumber, at: now, wakeups: &wakeups)
        case .finished(let completion, let text):
            if !event.probabilities.isEmpty {
                let tokenDetails = TokenDetails(probabilities: event.probabilities)
                recordGrowth(appendWithDetails(nil, text, tokenDetails, wakeups: &wakeups), at: now)
            }
            finish(.finished(completion), event.probabilities.isEmpty ? text : [], at: now, wakeups: &wakeups)
            return true
        case .failed(let error):
            finish(.failed(error), [], at: now, wakeups: &wakeups)
            return true
        }
        return false
    }

    func recordGrowth(_ growth: GenerationLog.Growth, at now: NIODeadline) {
        byteCount = growth.byteCount
        if growth.hasOutput { lastOutput = now }
    }

    private func appendToken(
        _ id: Int32, _ text: ArraySlice<UInt8>, wakeups: inout Wakeups
    ) -> GenerationLog.Growth {
        log.append(to: &wakeups) { add in
            guard parser != nil else {
                add(.text(.content, token: id, bytes: text))
                return
            }
            var token: Int32? = id
            parse(text, token: &token, add)
            if token != nil { add(.text(channel, token: token, bytes: [])) }
        }
    }

    /// Hands on the pieces of `text`, the first with text as that of `token`, which is then `nil`.
    private func parse(_ text: ArraySlice<UInt8>, token: inout Int32?, _ add: (LogEvent) -> Void) {
        // Moved out and back, so that it is changed in place.
        guard var parser else { return }
        self.parser = nil
        parser.append(text) { append($0, token: &token, add) }
        self.parser = parser
    }

    private func append(_ piece: OutputPiece, token: inout Int32?, _ add: (LogEvent) -> Void) {
        switch piece {
        case .text(let part, let bytes):
            channel = part
            add(.text(part, token: token, bytes: bytes))
            token = nil
        case .call(let number, let name):
            channel = .delimiter
            calls.begun += 1
            add(.call(number, name: name))
        case .arguments(let number, let bytes):
            add(.arguments(call: number, token: token, bytes: bytes))
            token = nil
        case .callEnd: calls.ended += 1
        case .warning(let text): add(.warning(text))
        }
    }

    /// Text whose tokens' probabilities are known. They go with its last piece, also if that is empty; behind what is
    /// no text for itself they go with an empty piece.
    private func appendWithDetails(
        _ id: Int32?, _ text: ArraySlice<UInt8>, _ tokenDetails: TokenDetails, wakeups: inout Wakeups
    ) -> GenerationLog.Growth {
        log.append(to: &wakeups) { add in
            var token = id
            var last = parser == nil ? LogEvent.text(channel, token: token, bytes: text) : nil
            parse(text, token: &token) { event in
                if let last { add(last) }
                last = event
            }
            if case .text(let channel, let token, let bytes)? = last {
                add(.detailedText(channel, token: token, bytes: bytes, tokenDetails))
            } else {
                if let last { add(last) }
                add(.detailedText(channel, token: token, bytes: [], tokenDetails))
            }
        }
    }

    private func finish(
        _ event: LogEvent, _ text: ArraySlice<UInt8>, at now: NIODeadline, wakeups: inout Wakeups
    ) {
        let growth = log.append(to: &wakeups) { add in
            if parser == nil {
                if !text.isEmpty { add(.text(.content, token: nil, bytes: text)) }
            } else {
                var token: Int32?
                if !text.isEmpty { parse(text, token: &token, add) }
                var parser = parser
                self.parser = nil
                parser?.finish { append($0, token: &token, add) }
            }
            if endNumber == nil { add(withToolCallEnd(event)) }
        }
        recordGrowth(growth, at: now)
        if let endNumber {
            generation.log.leap(to: endNumber)
            recordGrowth(log.append(to: &wakeups) { $0(withToolCallEnd(event)) }, at: now)
        }
        resolveCommands(with: .ended(event), wakeups: &wakeups)
    }

    /// An end with what is known of the answer's tool calls.
    private func withToolCallEnd(_ event: LogEvent) -> LogEvent {
        guard case .finished(var completion) = event else { return event }
        completion.endsInToolCalls = calls.begun > 0 && calls.begun == calls.ended
        return .finished(completion)
    }

    /// Nothing more becomes of the orders that were not answered.
    func resolveCommands(with reply: CommandReply, wakeups: inout Wakeups) {
        for (_, promise) in commands.promises.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            generation.log.deliver(reply, to: promise, &wakeups)
        }
        commands = UnresolvedCommands()
    }
}
