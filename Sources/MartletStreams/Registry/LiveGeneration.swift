internal import MartletObservability
internal import MartletProtocol
internal import NIOCore
internal import Synchronization

/// The consequences of one frame that are carried out with no lock held.
struct FrameEffects {
    var wakeups = Wakeups()
    var samples: GenerationMetrics.Batch = []
    /// Generations that a newer generation of their label replaced.
    var superseded: [GenerationHandle] = []
    /// Choices that the engine still runs although their generation has failed.
    var orphans: [(handle: GenerationHandle, of: Generation)] = []
    /// Generations that ended or were handed over, and whose spec wants to know.
    var ended: [Generation] = []
    /// Generations whose log grew while control commands wait to be sent.
    var commandTargets: [GenerationHandle] = []
}

/// A generation that has not ended, with the lock under which its log grows.
///
/// Output is parsed, appended to the log, measured and recorded with this lock held. So the recorder sees the inputs of
/// one generation in the order of its log, and generations do not wait for each other.
///
/// Thread: any. Lock order: this lock, then the registry's, then a log's. No two of these locks are held together.
final class LiveGeneration: Sendable {
    struct State {
        /// In the order of their handles; at least one.
        var choices: [LiveChoice]
        /// Whether the client knows the id. Such a generation stays visible even if the engine refuses it.
        var isPublished = false
        /// The size of the log in bytes.
        var byteCount = 0
        /// The part of `byteCount` that the registry has counted.
        var countedByteCount = 0
        /// Changes that the registry's maps lack.
        var pending = Settlement()

        /// The choice that receives control commands.
        var first: LiveChoice { choices[0] }
        /// Whether the generation ended or was handed over. All choices are over then.
        var isOver: Bool { first.lifecycle.isOver }
        /// Whether the engine has accepted the first choice.
        var isAdmitted: Bool { first.lifecycle.progress.map { $0 >= .admitted } ?? true }
    }

    /// Changes of one generation that concern the registry's maps.
    struct Settlement {
        /// The engine accepted the first choice.
        var isAdmitted = false
        /// The generation ended or was handed over.
        var isOver = false
        /// The time of the end in seconds since 1970; nil for a handover and for plain generations.
        var finished: Int64?
    }

    let generation: Generation
    /// `generation.spec.isResumable`, which is read for every input; a read through `spec` copies the whole spec.
    private let isResumable: Bool
    /// The index of the model's metrics.
    let series: Int
    /// Records the generation for later processes; nil for plain generations and without a journal.
    let recorder: (any GenerationRecorder)?
    let state: Mutex<State>
    /// The number of choices that wait for a sequence. An atomic, because a queue position counts all generations.
    let queuedChoiceCount: Atomic<Int>

    init(_ generation: Generation, series: Int, recorder: (any GenerationRecorder)?) {
        self.generation = generation
        self.series = series
        isResumable = generation.spec.isResumable
        self.recorder = isResumable ? recorder : nil
        let count = generation.spec.choiceCount
        state = Mutex(State(choices: (0..<count).map { LiveChoice(generation, index: $0) }))
        queuedChoiceCount = Atomic(count)
    }

    /// The choice that a handle names.
    func choice(_ handle: GenerationHandle, in state: borrowing State) -> LiveChoice {
        state.choices[Int(handle.rawValue - generation.handle.rawValue)]
    }

    // MARK: Inputs

    /// Applies the inputs of one frame in their order, and updates the registry's maps if they changed.
    func apply(
        _ inputs: ArraySlice<(GenerationHandle, GenerationInput)>, at now: NIODeadline,
        of registry: GenerationRegistry, effects: inout FrameEffects
    ) {
        state.withLock { state in
            for (handle, input) in inputs {
                apply(input, to: handle, in: &state, at: now, calendar: registry.calendar, effects: &effects)
            }
            complete(&state, at: now, of: registry, effects: &effects)
        }
    }

    /// Applies the engine's events of one frame in their order, and updates the registry's maps if they changed.
    func apply(
        _ events: ArraySlice<EngineEvent>, at now: NIODeadline, of registry: GenerationRegistry,
        effects: inout FrameEffects
    ) {
        state.withLock { state in
            for event in events {
                if case .token(let id, let text) = event.kind {
                    apply(event, token: id, text, in: &state, at: now, effects: &effects)
                } else {
                    apply(
                        .engine(event), to: event.handle, in: &state, at: now, calendar: registry.calendar,
                        effects: &effects)
                }
            }
            complete(&state, at: now, of: registry, effects: &effects)
        }
    }

    /// Completes a frame: asks for the durability of its events, and updates the registry's maps if they changed.
    private func complete(
        _ state: inout State, at now: NIODeadline, of registry: GenerationRegistry, effects: inout FrameEffects
    ) {
        recorder?.requestCommit(of: generation)
        guard needsSettlement(state, step: registry.byteCountStep) else { return }
        registry.state.withLock { maps in
            settle(&state, in: &maps, at: now, effects: &effects)
            maps.trim(registry.quota)
        }
    }

    /// Writes a token into the log: the short form of the method below for nearly all inputs. A token changes no
    /// lifecycle and no map.
    private func apply(
        _ event: EngineEvent, token id: Int32, _ text: ArraySlice<UInt8>, in state: inout State, at now: NIODeadline,
        effects: inout FrameEffects
    ) {
        let choice = choice(event.handle, in: state)
        guard !state.isOver, !choice.lifecycle.isComplete else { return }
        effects.samples.append((series, choice.measureToken(at: now)))
        choice.apply(token: id, text, of: event, at: now, wakeups: &effects.wakeups)
        state.byteCount = choice.byteCount
        guard isResumable else { return }
        addCommandTarget(state, to: &effects)
        recorder?.append(.engine(event), of: generation, finished: nil)
    }

    /// Notes that commands wait and that the log has grown.
    private func addCommandTarget(_ state: borrowing State, to effects: inout FrameEffects) {
        guard !state.first.commands.waiting.isEmpty, effects.commandTargets.last != generation.handle else { return }
        effects.commandTargets.append(generation.handle)
    }

    /// Writes an input into the log, unless the generation is over or does not accept the input any more.
    func apply(
        _ input: GenerationInput, to handle: GenerationHandle, in state: inout State, at now: NIODeadline,
        calendar: () -> Int64, effects: inout FrameEffects
    ) {
        guard !state.isOver else { return }
        let choice = choice(handle, in: state)
        let input = choice.overridden(input)
        // A ping is appended through the first choice, which may have finished before the others.
        if case .engine = input, choice.lifecycle.isComplete { return }
        // An earlier process reported the progress of the prefill, in other steps.
        if input.isProgress, generation.log.isBehind { return }
        let (wasAdmitted, wasQueued) = (state.isAdmitted, choice.lifecycle.isQueued)
        if case .engine(let event) = input, let sample = choice.measure(event.kind, at: now) {
            effects.samples.append((series, sample))
        }
        if let number = numberOfEarlyTerminalEvent(input) {
            _ = choice.apply(.skippedNumbers(to: number), at: now, wakeups: &effects.wakeups)
            recorder?.append(.skippedNumbers(to: number), of: generation, finished: nil)
        }
        var isEnded = choice.apply(input, at: now, wakeups: &effects.wakeups)
        state.byteCount = choice.byteCount
        let isNewlyAdmitted = state.isAdmitted && !wasAdmitted
        if isEnded, state.choices.count > 1 { isEnded = complete(choice, with: input, in: &state, effects: &effects) }
        let isHandedOver = input.isHandover
        if isEnded { generation.reach(.ended, at: now) }
        if isResumable {
            addCommandTarget(state, to: &effects)
            let finished = isEnded ? calendar() : nil
            recorder?.append(input, of: generation, finished: finished)
            if isNewlyAdmitted { state.pending.isAdmitted = true }
            state.pending.finished = finished
        }
        if isEnded || isHandedOver { end(&state, effects: &effects) }
        if wasQueued, !choice.lifecycle.isQueued { updateQueue(state) }
    }

    /// The number of a terminal event that comes while events are missing that an earlier process may have reported,
    /// and that does not follow from those events; nil for other inputs.
    private func numberOfEarlyTerminalEvent(_ input: GenerationInput) -> Int? {
        guard case .engine(let event) = input, event.isForced else { return nil }
        return generation.log.firstFreeNumber
    }

    /// Completes one of several choices. The generation ends with its last choice, or with the first that fails.
    /// - Returns: whether the generation has ended.
    func complete(
        _ choice: LiveChoice, with input: GenerationInput, in state: inout State, effects: inout FrameEffects
    ) -> Bool {
        guard case .engine(let event) = input, case .finished(let completion, _) = event.kind else {
            // The log has its terminal event already. The engine stops the other choices.
            effects.orphans += state.choices.filter { $0 !== choice && $0.lifecycle.completion == nil }.map {
                (generation.handle(ofChoice: $0.index), generation)
            }
            return true
        }
        choice.lifecycle.complete(with: completion)
        let completions = state.choices.compactMap(\.lifecycle.completion)
        guard completions.count == state.choices.count else { return false }
        let sum = GenerationSummary(sumOf: completions, perPrompt: generation.spec.choicesPerPrompt)
        state.byteCount =
            generation.log.append(contentsOf: CollectionOfOne(.finished(sum)), to: &effects.wakeups).byteCount
        return true
    }

    /// No input changes the generation any more. Unresolved commands get the terminal event as their reply.
    func end(_ state: inout State, effects: inout FrameEffects) {
        for choice in state.choices {
            choice.resolveCommands(with: .ended(generation.log.terminalEvent), wakeups: &effects.wakeups)
            choice.lifecycle = .over
        }
        state.pending.isOver = true
    }

    /// Counts the choices that wait for a sequence anew.
    func updateQueue(_ state: borrowing State) {
        queuedChoiceCount.store(state.choices.count { $0.lifecycle.isQueued }, ordering: .relaxed)
    }

    // MARK: The registry's maps

    /// Whether the registry's maps lack a change. Small growth of the log is left for later.
    private func needsSettlement(_ state: borrowing State, step: Int) -> Bool {
        if state.pending.isAdmitted || state.pending.isOver { return true }
        return isResumable && state.byteCount - state.countedByteCount >= step
    }

    /// Brings the registry's maps up to date. Both locks are held.
    func settle(
        _ state: inout State, in registry: inout GenerationRegistry.State, at now: NIODeadline,
        effects: inout FrameEffects
    ) {
        let spec = generation.spec
        let pending = state.pending
        state.pending = Settlement()
        if spec.isResumable {
            let growth = state.byteCount - state.countedByteCount
            if growth != 0 { registry.count(spec.owner) { $0.bytes += growth } }
            state.countedByteCount = state.byteCount
            if pending.isAdmitted, let old = registry.retentionStore.admit(generation) {
                effects.superseded.append(old.handle)
            }
        }
        if pending.isOver {
            if spec.onEnd != nil { effects.ended.append(generation) }
            registry.removeLive(generation, wakeups: &effects.wakeups)
            if let finished = pending.finished {
                let old = registry.retain(
                    generation, isPublished: state.isPublished, byteCount: state.byteCount, at: now, finished: finished)
                if let old { effects.superseded.append(old.handle) }
            } else if !spec.isResumable, let reason = EndReason(generation.log.terminalEvent) {
                registry.tombstones.add(spec, reason, at: now)
            }
        }
    }
}

extension GenerationInput {
    /// Whether the generation continues in another process.
    fileprivate var isHandover: Bool {
        switch self {
        case .handedOver, .handedOverIncomplete: true
        case .engine, .ping, .command, .skippedNumbers: false
        }
    }

    fileprivate var isProgress: Bool {
        if case .engine(let event) = self, case .promptProgress = event.kind { true } else { false }
    }
}

extension EngineEvent {
    /// Whether the event is an end that does not follow from the output before it.
    var isForced: Bool {
        switch kind {
        case .failed: true
        case .finished(let completion, _):
            switch completion.reason {
            case .timeLimit, .cancelled, .stopped: true
            case .endOfGeneration, .stopText, .tokenLimit, .contextFull, .indentation: false
            }
        default: false
        }
    }
}
