internal import MartletObservability
internal import MartletProtocol
internal import NIOCore

/// One choice of a live generation: its lifecycle, its output parser, and its way into the generation's log.
///
/// A class, because its state is large and every token changes a part of it.
///
/// Thread: every member is used with the lock of the `LiveGeneration` held.
final class LiveChoice {
    let generation: Generation
    /// The index of the choice, from 0.
    let index: Int
    var lifecycle = Lifecycle.waiting(.new)
    /// The error that replaces the engine's terminal event, for example after a generation was abandoned.
    var overridingError: EngineError?
    /// The size of the generation's log after the last append of this choice, in bytes.
    private(set) var byteCount = 0
    /// The number of prompt tokens whose log probabilities are in the log.
    private var reportedPromptTokens = 0
    private var lastToken: NIODeadline?
    /// The submitted request, with the current settings.
    var request: GenerationRequest?
    /// The part of the client's request that control commands need.
    var forkContext: (any ForkContext)?
    var commands = UnresolvedCommands()
    var isPaused = false
    /// The number of the terminal event, if it is not the next number. Void when another event than a forced end follows.
    var endNumber: Int?
    var tokenTexts = TokenTextIndex()
    /// The number of tokens of an injected turn that are still expected.
    var tokensUntilTurn: Int?
    /// The parser in its state at the beginning of the completion.
    private(set) var initialParser: (any OutputParsing)?
    /// Makes the form of the parser that a recorder stores.
    private(set) var describeParser: @Sendable () -> [UInt8] = { [] }
    private var parser: (any OutputParsing)?
    private var channel = MartletProtocol.OutputChannel.content
    /// The numbers of tool calls that have begun and that are complete.
    private var calls = (begun: 0, ended: 0)

    private var log: ChoiceLog

    init(_ generation: Generation, index: Int = 0) {
        self.generation = generation
        self.index = index
        log = ChoiceLog(of: generation, choice: index)
    }

    /// The parts of an original that a fork gets, besides the request.
    struct Inheritance {
        fileprivate var parser: (any OutputParsing)?
        fileprivate var describeParser: @Sendable () -> [UInt8]
        fileprivate var forkContext: (any ForkContext)?
    }

    /// The part of this choice that its forks get.
    var inheritance: Inheritance {
        Inheritance(parser: initialParser, describeParser: describeParser, forkContext: forkContext)
    }

    /// Gets the parts of the original of a fork.
    func inherit(_ inheritance: Inheritance) {
        setParser(inheritance.parser, describe: inheritance.describeParser)
        forkContext = inheritance.forkContext
    }

    /// Sets the parser and its initial state, to which rewinds return.
    func setParser(_ parser: (any OutputParsing)?, describe: @escaping @Sendable () -> [UInt8]) {
        self.parser = parser
        initialParser = parser
        describeParser = describe
    }

    /// Resets the parser to the beginning of a turn and parses `text` again, which is in the log already.
    ///
    /// - Returns: the number of bytes of `text` that are content.
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

    /// Ends a turn within the completion: text that the parser has withheld belongs to that turn.
    func finishParser(at now: NIODeadline, wakeups: inout Wakeups) {
        let growth = log.append(to: &wakeups) { add in
            guard var parser else { return }
            var token: Int32?
            parser.finish { append($0, token: &token, add) }
        }
        recordGrowth(growth, at: now)
        restartParser(with: [])
    }

    /// Records the milestone that an event stands for.
    /// - Returns: the measurement for the metrics of the model; nil when the event carries none.
    func measure(_ event: EngineEvent.Kind, at now: NIODeadline) -> GenerationMetrics.Sample? {
        switch event {
        case .token: return measureToken(at: now)
        case .admitted:
            generation.reach(.admitted, at: now)
            return nil
        case .started:
            generation.reach(.started, at: now)
            return .started(after: (now - generation.begin).nanoseconds)
        case .finished(let completion, _): return .finished(completion.timings)
        case .promptProgress, .promptLogprobs, .controlled, .failed: return nil
        }
    }

    /// Records the time of a token.
    /// - Returns: the time since the token before, or since the beginning.
    func measureToken(at now: NIODeadline) -> GenerationMetrics.Sample {
        defer { lastToken = now }
        if let lastToken { return .nextToken(after: (now - lastToken).nanoseconds) }
        generation.reach(.firstToken, at: now)
        return .firstToken(after: (now - generation.begin).nanoseconds)
    }

    /// The input with the terminal event replaced by `overridingError`, if there is one: the engine reports that it was
    /// cancelled, and the log states the reason for the cancellation.
    func overridden(_ input: GenerationInput) -> GenerationInput {
        guard let overridingError, case .engine(let event) = input, event.isTerminal else { return input }
        return .engine(EngineEvent(event.handle, .failed(overridingError)))
    }

    /// Writes an input into the log.
    /// - Parameter isNew: whether the input comes from this process, not from the journal of an earlier one.
    /// - Returns: whether the choice has ended.
    func apply(
        _ input: GenerationInput, at now: NIODeadline, isNew: Bool = true, wakeups: inout Wakeups
    ) -> Bool {
        switch input {
        case .engine(let event): return apply(event, at: now, wakeups: &wakeups)
        case .ping: recordGrowth(log.append(.ping, to: &wakeups), at: now)
        case .handedOver where isNew: log.handOver(to: &wakeups)
        case .handedOver: recordGrowth(log.append(.handedOver, to: &wakeups), at: now)
        case .handedOverIncomplete where isNew: log.handOver(to: &wakeups)
        case .handedOverIncomplete: break
        case .command(let record):
            // An earlier process received the command. A client that repeats it gets the reply of this process.
            let promise = CommandPromise()
            addCommand(record, promise)
            if let identity = record.identity { try? generation.addCommand(promise, identity: identity) }
        case .skippedNumbers(let number): endNumber = number
        }
        return false
    }

    private func apply(_ event: EngineEvent, at now: NIODeadline, wakeups: inout Wakeups) -> Bool {
        // The process that skipped numbers may have died before its terminal event was in the journal.
        if !event.isForced { endNumber = nil }
        switch event.kind {
        case .admitted(let promptTokens):
            // A continued generation is admitted and started again.
            guard lifecycle.advance(to: .admitted) else { break }
            generation.log.recordAdmission(&wakeups)
            recordGrowth(log.append(.admitted(promptTokens: promptTokens), to: &wakeups), at: now)
        case .started(_, let cachedTokens):
            guard lifecycle.advance(to: .started) else { break }
            recordGrowth(log.append(.started(cachedTokens: cachedTokens), to: &wakeups), at: now)
        case .promptProgress(let progress):
            recordGrowth(log.append(.promptProgress(progress), to: &wakeups), at: now)
        case .promptLogprobs(let first):
            // The engine may report them again for a continued generation.
            let newTokens = event.probabilities.dropFirst(max(0, reportedPromptTokens - first))
            guard !newTokens.isEmpty else { break }
            reportedPromptTokens += newTokens.count
            recordGrowth(log.append(.promptTokens(Array(newTokens)), to: &wakeups), at: now)
        case .controlled(let number, let result):
            recordResult(of: number, result, at: now, wakeups: &wakeups)
        case .token(let id, let text): apply(token: id, text, of: event, at: now, wakeups: &wakeups)
        case .finished(let completion, let text):
            if event.isForced { generation.log.requireDurabilityOfNextEvent() }
            if !event.probabilities.isEmpty, endNumber == nil {
                let tokenDetails = TokenDetails(probabilities: event.probabilities)
                recordGrowth(appendWithDetails(nil, text, tokenDetails, wakeups: &wakeups), at: now)
            }
            finish(.finished(completion), event.probabilities.isEmpty ? text : [], at: now, wakeups: &wakeups)
            return true
        case .failed(let error):
            generation.log.requireDurabilityOfNextEvent()
            finish(.failed(error), [], at: now, wakeups: &wakeups)
            return true
        }
        return false
    }

    /// Writes a token into the log.
    /// - Parameter event: the event of the token; it has its details.
    func apply(
        token id: Int32, _ text: ArraySlice<UInt8>, of event: EngineEvent, at now: NIODeadline, wakeups: inout Wakeups
    ) {
        let growth: GenerationLog.Growth
        if event.probabilities.isEmpty, event.tokenTimings == nil {
            growth = appendToken(id, text, wakeups: &wakeups)
        } else {
            let tokenDetails = TokenDetails(probabilities: event.probabilities, tokenTimings: event.tokenTimings)
            growth = appendWithDetails(id, text, tokenDetails, wakeups: &wakeups)
        }
        recordGrowth(growth, at: now)
        recordText(text, eventEnd: growth.nextNumber, at: now, wakeups: &wakeups)
    }

    /// Records the log's size and the time of the last output after an append.
    func recordGrowth(_ growth: GenerationLog.Growth, at now: NIODeadline) {
        byteCount = growth.byteCount
        if growth.hasOutput { generation.recordOutput(at: now) }
    }

    /// Appends a token without details. A token whose text is withheld or empty gets an event with empty text.
    private func appendToken(
        _ id: Int32, _ text: ArraySlice<UInt8>, wakeups: inout Wakeups
    ) -> GenerationLog.Growth {
        guard parser != nil else {
            return log.append(.text(.content, token: id, bytes: text), to: &wakeups)
        }
        return log.append(to: &wakeups) { add in
            var token: Int32? = id
            parse(text, token: &token, add)
            if token != nil { add(.text(channel, token: token, bytes: [])) }
        }
    }

    /// Parses `text` and adds an event for each piece. The first piece with text gets `token`, which is then `nil`.
    private func parse(_ text: ArraySlice<UInt8>, token: inout Int32?, _ add: (LogEvent) -> Void) {
        // Moved out and back, so that the parser is changed in place, without a copy.
        guard var parser else { return }
        self.parser = nil
        parser.append(text) { append($0, token: &token, add) }
        self.parser = parser
    }

    /// Adds the event for one piece of the parser, which uses up `token` if the piece has text.
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

    /// Appends text with log probabilities or timings. The details belong to the last piece of the text, which may be
    /// empty; if the last piece is no text, such as a tool call, an empty piece follows it.
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

    /// Appends the withheld text and then the terminal event, and resolves the commands that have no reply.
    ///
    /// A terminal event that skips numbers comes alone: readers may have seen the withheld text, and the text after it,
    /// under the skipped numbers.
    private func finish(
        _ event: LogEvent, _ text: ArraySlice<UInt8>, at now: NIODeadline, wakeups: inout Wakeups
    ) {
        if let endNumber {
            parser = nil
            generation.log.skipNumbers(to: endNumber)
        }
        let text = endNumber == nil ? text : []
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
            add(withToolCallEnd(event))
        }
        recordGrowth(growth, at: now)
        resolveCommands(with: .ended(event), wakeups: &wakeups)
    }

    /// The terminal event, which states whether the completion ended with complete tool calls.
    private func withToolCallEnd(_ event: LogEvent) -> LogEvent {
        guard case .finished(var completion) = event else { return event }
        completion.endsInToolCalls = calls.begun > 0 && calls.begun == calls.ended
        return .finished(completion)
    }

    /// Resolves all commands that have no reply with `reply`, in the order of their numbers.
    func resolveCommands(with reply: CommandReply, wakeups: inout Wakeups) {
        for (_, promise) in commands.promises.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            generation.log.deliver(reply, to: promise, &wakeups)
        }
        commands = UnresolvedCommands()
    }
}
