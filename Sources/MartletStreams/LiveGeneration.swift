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
    var completion: Completion?
    /// Where its model's metrics are.
    let series: Int
    var stage = Stage.prepared
    /// Whether its client was told of it, so that it is looked for even if the engine refuses it.
    var isAnnounced = false
    /// What ends it instead of the engine's last event.
    var verdict: EngineError?
    /// When its stream had something to show last.
    private(set) var lastShown: NIODeadline
    /// Of the log.
    var byteCount = 0
    private(set) var isAdmitted = false
    private(set) var isStarted = false
    /// How many tokens of the prompt were told.
    private var promptTokensTold = 0
    private var lastToken: NIODeadline?
    /// What it was submitted as, with the settings of now.
    var request: GenerationRequest?
    /// What the server keeps of the client's request.
    var origin: (any Sendable)?
    var orders = LiveOrders()
    var isPaused = false
    /// The number that its end gets, if not the next one.
    private var endNumber: Int?
    var engineText = EngineTextRecord()
    /// How many tokens of an injected turn are still to come.
    var tokensUntilTurn: Int?
    /// As it was at the beginning of the answer.
    private(set) var firstSplitter: (any OutputSplitter)?
    private var splitter: (any OutputSplitter)?
    private var channel = MartletProtocol.Channel.content
    /// How many tool calls have begun, and how many of them are complete.
    private var calls = (begun: 0, ended: 0)

    private let log: ChoiceLog

    init(_ generation: Generation, choice: Int = 0, series: Int) {
        self.generation = generation
        self.choice = choice
        self.series = series
        log = ChoiceLog(log: generation.log, choice: choice, isAmongSeveral: generation.terms.choiceCount > 1)
        lastShown = generation.begin
    }

    func setSplitter(_ splitter: (any OutputSplitter)?) {
        self.splitter = splitter
        firstSplitter = splitter
    }

    /// Begins a turn anew, behind `text` of it, which was written into the log before.
    ///
    /// - Returns: how many bytes of that are content.
    @discardableResult
    func restartSplitter(with text: ArraySlice<UInt8>) -> Int {
        splitter = firstSplitter
        channel = .content
        var contentBytes = splitter == nil ? text.count : 0
        splitter?.append(text) { piece in
            guard case .text(let part, let bytes) = piece else { return }
            channel = part
            if part == .content { contentBytes += bytes.count }
        }
        return contentBytes
    }

    /// A turn ends within the answer: what is held back belongs to it.
    func finishSplitter(at now: NIODeadline, wakeups: inout Wakeups) {
        let growth = log.append(to: &wakeups) { add in
            guard var splitter else { return }
            var token: Int32?
            splitter.finish { take($0, token: &token, add) }
        }
        note(growth, at: now)
        restartSplitter(with: [])
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
        case .promptProgress, .promptTokens, .controlled, .failed: break
        }
    }

    /// An end as it counts: as what was decided, not as what the engine makes of being stopped for it.
    func judged(_ input: GenerationInput) -> GenerationInput {
        guard let verdict, case .engine(let event) = input, event.isTerminal else { return input }
        return .engine(EngineEvent(event.handle, .failed(verdict)))
    }

    /// Writes an input into the log.
    /// - Parameter isNew: whether it happens now, rather than in an earlier process.
    /// - Returns: Whether the generation has ended.
    func take(
        _ input: GenerationInput, at now: NIODeadline, isNew: Bool = true, wakeups: inout Wakeups
    ) -> Bool {
        switch input {
        case .engine(let event): return take(event, at: now, wakeups: &wakeups)
        case .ping: note(log.append(to: &wakeups) { $0(.ping) }, at: now)
        case .handedOver where isNew: log.handOver(to: &wakeups)
        case .handedOver: note(log.append(to: &wakeups) { $0(.handedOver) }, at: now)
        case .parted where isNew: log.handOver(to: &wakeups)
        case .parted: break
        case .order(let note):
            // Of what an earlier process was told: who gives it again gets the reply that comes now.
            let ticket = ControlTicket()
            take(note, ticket)
            if let name = note.name { try? generation.remember(ticket, as: name) }
        case .leap(let number): endNumber = number
        }
        return false
    }

    private func take(_ event: EngineEvent, at now: NIODeadline, wakeups: inout Wakeups) -> Bool {
        switch event.kind {
        case .admitted(let promptTokens):
            // A continued generation is admitted and started again.
            guard !isAdmitted else { break }
            isAdmitted = true
            generation.log.noteAdmission(&wakeups)
            note(log.append(to: &wakeups) { $0(.admitted(promptTokens: promptTokens)) }, at: now)
        case .started(_, let cachedTokens):
            guard !isStarted else { break }
            isStarted = true
            note(log.append(to: &wakeups) { $0(.started(cachedTokens: cachedTokens)) }, at: now)
        case .promptProgress(let progress):
            note(log.append(to: &wakeups) { $0(.promptProgress(progress)) }, at: now)
        case .promptTokens(let first):
            // A continued generation may tell them again.
            let news = event.probabilities.dropFirst(max(0, promptTokensTold - first))
            guard !news.isEmpty else { break }
            promptTokensTold += news.count
            note(log.append(to: &wakeups) { $0(.promptTokens(Array(news))) }, at: now)
        case .controlled(let number, let outcome):
            take(number, outcome, at: now, wakeups: &wakeups)
        case .token(let id, let text):
            let notes = TokenNotes(probabilities: event.probabilities, standing: event.standing)
            let growth =
                notes.isEmpty
                ? takeToken(id, text, wakeups: &wakeups) : takeScored(id, text, notes, wakeups: &wakeups)
            note(growth, at: now)
            keep(text, eventEnd: growth.nextNumber, at: now, wakeups: &wakeups)
        case .finished(let completion, let text):
            if !event.probabilities.isEmpty {
                let notes = TokenNotes(probabilities: event.probabilities)
                note(takeScored(nil, text, notes, wakeups: &wakeups), at: now)
            }
            finish(.finished(completion), event.probabilities.isEmpty ? text : [], at: now, wakeups: &wakeups)
            return true
        case .failed(let error):
            finish(.failed(error), [], at: now, wakeups: &wakeups)
            return true
        }
        return false
    }

    func note(_ growth: GenerationLog.Growth, at now: NIODeadline) {
        byteCount = growth.byteCount
        if growth.isShown { lastShown = now }
    }

    private func takeToken(
        _ id: Int32, _ text: ArraySlice<UInt8>, wakeups: inout Wakeups
    ) -> GenerationLog.Growth {
        log.append(to: &wakeups) { add in
            guard splitter != nil else {
                add(.text(.content, token: id, bytes: text))
                return
            }
            var token: Int32? = id
            split(text, token: &token, add)
            if token != nil { add(.text(channel, token: token, bytes: [])) }
        }
    }

    /// Hands on the pieces of `text`, the first with text as that of `token`, which is then `nil`.
    private func split(_ text: ArraySlice<UInt8>, token: inout Int32?, _ add: (LogEvent) -> Void) {
        // Moved out and back, so that it is changed in place.
        guard var splitter else { return }
        self.splitter = nil
        splitter.append(text) { take($0, token: &token, add) }
        self.splitter = splitter
    }

    private func take(_ piece: OutputPiece, token: inout Int32?, _ add: (LogEvent) -> Void) {
        switch piece {
        case .text(let part, let bytes):
            channel = part
            add(.text(part, token: token, bytes: bytes))
            token = nil
        case .call(let number, let name):
            channel = .markup
            calls.begun += 1
            add(.call(number, name: name))
        case .arguments(let number, let bytes):
            add(.arguments(call: number, token: token, bytes: bytes))
            token = nil
        case .callEnd: calls.ended += 1
        case .warning(let text): add(.warning(text))
        }
    }

    /// Text whose tokens' probabilities are known. They go with its last piece, also if that is empty; behind what is no
    /// text for itself they go with an empty piece.
    private func takeScored(
        _ id: Int32?, _ text: ArraySlice<UInt8>, _ notes: TokenNotes, wakeups: inout Wakeups
    ) -> GenerationLog.Growth {
        log.append(to: &wakeups) { add in
            var token = id
            var last = splitter == nil ? LogEvent.text(channel, token: token, bytes: text) : nil
            split(text, token: &token) { event in
                if let last { add(last) }
                last = event
            }
            if case .text(let channel, let token, let bytes)? = last {
                add(.scoredText(channel, token: token, bytes: bytes, notes))
            } else {
                if let last { add(last) }
                add(.scoredText(channel, token: token, bytes: [], notes))
            }
        }
    }

    private func finish(
        _ event: LogEvent, _ text: ArraySlice<UInt8>, at now: NIODeadline, wakeups: inout Wakeups
    ) {
        let growth = log.append(to: &wakeups) { add in
            if splitter == nil {
                if !text.isEmpty { add(.text(.content, token: nil, bytes: text)) }
            } else {
                var token: Int32?
                if !text.isEmpty { split(text, token: &token, add) }
                var splitter = splitter
                self.splitter = nil
                splitter?.finish { take($0, token: &token, add) }
            }
            if endNumber == nil { add(judgedByCalls(event)) }
        }
        note(growth, at: now)
        if let endNumber {
            generation.log.leap(to: endNumber)
            note(log.append(to: &wakeups) { $0(judgedByCalls(event)) }, at: now)
        }
        answerOrders(with: .ended(event), wakeups: &wakeups)
    }

    /// An end with what is known of the answer's tool calls.
    private func judgedByCalls(_ event: LogEvent) -> LogEvent {
        guard case .finished(var completion) = event else { return event }
        completion.endsInToolCalls = calls.begun > 0 && calls.begun == calls.ended
        return .finished(completion)
    }

    /// Nothing more becomes of the orders that were not answered.
    func answerOrders(with reply: ControlReply, wakeups: inout Wakeups) {
        for (_, ticket) in orders.tickets.sorted(by: { $0.key.rawValue < $1.key.rawValue }) {
            generation.log.tell(reply, to: ticket, &wakeups)
        }
        orders = LiveOrders()
    }
}
