import MartletProtocol

/// One generation in a simulated worker. All events come from `step`.
struct SimulatedRun {
    /// The request with all tokens so far.
    private(set) var request: GenerationRequest
    private(set) var stage: Stage
    /// Commands that are not applied yet.
    var commands: [(number: CommandNumber, action: ControlAction)] = []
    /// Whether the edge has cancelled the generation.
    var isCancelled = false
    /// The model behind the tokens so far.
    private var model: SimulatedModel
    /// The number of steps of the prefill that remain.
    private var prefillSteps: Int

    /// The part of its run that a generation is in.
    enum Stage: Equatable {
        /// The prompt is tokenized for some more steps.
        case tokenizing(Int)
        /// The generation waits for a slot.
        case queued
        case prefill(slot: Int)
        case decode(slot: Int)
    }

    /// The number of the model.
    private let variant: UInt64

    /// - Parameters:
    ///   - variant: the number of the model.
    ///   - tokenizing: the number of steps until the prompt is tokenized.
    ///   - prefill: the number of steps of the prefill.
    init(_ request: GenerationRequest, variant: UInt64, tokenizing: Int, prefill: Int) {
        self.request = request
        self.variant = variant
        stage = .tokenizing(tokenizing)
        prefillSteps = prefill
        model = SimulatedModel(prompt: request.prompt.simulatedText, variant: variant)
        for token in request.continuation { model.append(token) }
    }

    /// A copy that continues separately. Its events begin again from the first.
    private init(forking original: SimulatedRun, as fork: ForkedGeneration, slot: Int) {
        self = original
        request = original.request.forked(as: fork)
        request.continuation = original.request.continuation
        commands = []
        stage = .decode(slot: slot)
    }

    /// The slot that the generation has; nil before it has one.
    var slot: Int? {
        switch stage {
        case .prefill(let slot), .decode(let slot): slot
        case .tokenizing, .queued: nil
        }
    }

    /// The events of one step.
    /// - Parameters:
    ///   - freeSlots: the free slots; a run that begins or forks removes its slots.
    ///   - forks: receives the runs that a fork command makes.
    mutating func step(freeSlots: inout [Int], forks: inout [SimulatedRun]) -> [EngineEvent] {
        if isCancelled { return [event(end(.cancelled))] }
        var events: [EngineEvent] = []
        switch stage {
        case .tokenizing(let steps) where steps > 0: stage = .tokenizing(steps - 1)
        case .tokenizing:
            guard !request.prompt.simulatedText.hasPrefix("long") else {
                return [event(.failed(EngineError(.contextExceeded, "the prompt is too long")))]
            }
            events.append(event(.admitted(promptTokens: promptTokens)))
            stage = .queued
        case .queued:
            guard let slot = freeSlots.popLast() else { break }
            events.append(event(.started(slot: slot, cachedTokens: 0)))
            stage = .prefill(slot: slot)
        case .prefill(let slot):
            prefillSteps -= 1
            if request.parameters.reportsProgress, request.continuation.isEmpty {
                events.append(event(.promptProgress(progress(slot))))
            }
            if prefillSteps <= 0 { stage = .decode(slot: slot) }
        case .decode: break
        }
        while !commands.isEmpty, events.last?.isEnd != true {
            let command = commands.removeFirst()
            apply(command.action, command.number, &events, &freeSlots, &forks)
        }
        if case .decode = stage, !request.isPaused, events.last?.isEnd != true { events.append(decode()) }
        return events
    }

    /// Samples a token or ends the output.
    private mutating func decode() -> EngineEvent {
        let count = request.continuation.count
        if count >= request.parameters.maximumTokens ?? .max { return event(end(.tokenLimit)) }
        if count >= model.length { return event(end(.endOfGeneration)) }
        return token(model.next(seed: request.parameters.sampling.seed))
    }

    /// Emits a token, with the text that the token before it withheld.
    private mutating func token(_ id: Int32) -> EngineEvent {
        // Only text of the newest token is withheld.
        var made = event(.token(id: id, text: withheld + SimulatedModel.parts(of: id).emitted))
        if request.parameters.reportsTokenTimings {
            made.tokenTimings = TokenTimings(slot: slot ?? 0, timings: timings)
        }
        model.append(id)
        request.apply(made.kind)
        return made
    }

    /// The part of the last token's text that was withheld.
    private var withheld: ArraySlice<UInt8> {
        request.continuation.last.map { SimulatedModel.parts(of: $0).withheld } ?? []
    }

    // MARK: Commands

    /// Applies a command and adds its result.
    private mutating func apply(
        _ action: ControlAction, _ number: CommandNumber, _ events: inout [EngineEvent], _ freeSlots: inout [Int],
        _ forks: inout [SimulatedRun]
    ) {
        let count = request.continuation.count
        func refuse(_ refusal: ControlRefusal) { events.append(event(.controlled(number, .refused(refusal)))) }
        switch action {
        case .pause: request.isPaused ? refuse(.alreadyPaused) : add(.paused, number, at: count, &events)
        case .resume: request.isPaused ? add(.resumed, number, at: count, &events) : refuse(.notPaused)
        case .stop(let reason):
            add(.stopped(reason: reason), number, at: count, &events)
            events.append(event(end(.stopped(reason))))
        case .set(let change): add(.changed(change, old: request.settings), number, at: count, &events)
        case .status:
            var report = GenerationReport()
            report.predictedTokens = count
            report.isPaused = request.isPaused
            events.append(event(.controlled(number, .status(report))))
        case .rewind(.text): refuse(.textNotFound)
        case _ where slot == nil: refuse(.notStarted)
        case .endReasoning:
            guard !model.hasReasoned else { return refuse(.reasoningAlreadyEnded) }
            guard model.isReasoning else { return refuse(.notReasoning) }
            add(.reasoningEnded(tokens: 1), number, at: count, &events)
            events.append(token(SimulatedScript.thinkEnd))
        case .rewind(.token(let target)):
            guard target <= count else { return refuse(.beyondEnd(tokens: count)) }
            add(.rewound, number, at: target, &events)
            restoreModel()
        case .inject(let injection):
            let tokens = 1 + injection.content.simulatedText.utf8.count % 3
            add(.injected(opensTurn: injection.opensTurn, tokens: tokens), number, at: count, &events)
            for _ in 0..<tokens { events.append(token(model.forced)) }
        case .fork(let wanted):
            guard wanted.count <= freeSlots.count else { return refuse(.noFreeSequence(idle: freeSlots.count)) }
            add(.forked(wanted.map(\.handle)), number, at: count, &events)
            for fork in wanted { events += makeFork(fork, slot: freeSlots.removeLast(), &forks) }
        }
    }

    /// Adds the result of a command that takes effect.
    private mutating func add(
        _ command: AppliedCommand, _ number: CommandNumber, at token: Int, _ events: inout [EngineEvent]
    ) {
        let made = EngineEvent.Kind.controlled(number, .applied(command, token: token))
        events.append(event(made))
        request.apply(made)
    }

    /// The fork's events so far, which repeat the original's tokens.
    private func makeFork(_ fork: ForkedGeneration, slot: Int, _ forks: inout [SimulatedRun]) -> [EngineEvent] {
        let run = SimulatedRun(forking: self, as: fork, slot: slot)
        forks.append(run)
        var withheld: ArraySlice<UInt8> = []
        return [
            run.event(.admitted(promptTokens: promptTokens)), run.event(.started(slot: slot, cachedTokens: 0)),
        ]
            + request.continuation.map { id in
                let parts = SimulatedModel.parts(of: id)
                defer { withheld = parts.withheld }
                return run.event(.token(id: id, text: withheld + parts.emitted))
            }
    }

    /// Computes the state of the model anew, after a rewind.
    private mutating func restoreModel() {
        model = SimulatedModel(prompt: request.prompt.simulatedText, variant: variant)
        for token in request.continuation { model.append(token) }
    }

    // MARK: Parts of events

    /// An event of this generation.
    private func event(_ kind: EngineEvent.Kind) -> EngineEvent { EngineEvent(request.handle, kind) }

    /// One token for each byte of the prompt, and one for its begin.
    private var promptTokens: Int { 1 + request.prompt.simulatedText.utf8.count }

    /// Token counts without times.
    private var timings: Timings {
        var timings = Timings()
        timings.promptTokens = promptTokens
        timings.predictedTokens = request.continuation.count
        return timings
    }

    /// The terminal event, with the text that is withheld.
    private func end(_ reason: GenerationSummary.Reason) -> EngineEvent.Kind {
        .finished(GenerationSummary(reason: reason, timings: timings), text: withheld)
    }

    /// A report on the prefill.
    private func progress(_ slot: Int) -> PromptProgress {
        var progress = PromptProgress(
            total: promptTokens, cached: 0, processed: max(0, promptTokens - prefillSteps), elapsed: .milliseconds(1))
        progress.slot = slot
        return progress
    }
}

extension EngineEvent {
    /// Whether no event of the generation follows.
    var isEnd: Bool {
        switch kind {
        case .finished, .failed: true
        default: false
        }
    }
}

extension Prompt {
    /// The concatenated text of all pieces.
    var simulatedText: String {
        pieces.map { piece in
            if case .text(let text, _) = piece { text } else { "" }
        }.joined()
    }
}
