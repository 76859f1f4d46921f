internal import MartletObservability
internal import MartletProtocol
internal import NIOCore
internal import Synchronization

/// Generations of earlier processes.
extension GenerationRegistry {
    /// The number of inputs that are read before they are applied with the generation's lock held.
    private static let inputsAtOnce = 256

    /// Restores a generation of an earlier process from its inputs, which are not recorded again.
    ///
    /// No lookup finds the generation before its log is complete.
    /// - Parameters:
    ///   - inputs: in their order; each with the number of its choice.
    ///   - parser: in its initial state, for every choice; the inputs pass through it again.
    ///   - parserDescription: the form of the parser that the recorder stores; forks of the generation get it.
    ///   - forkContext: what `submit` would get of the client's request.
    ///   - isWhole: whether the inputs are complete, rather than cut off by the death of the process.
    ///   - finished: the time of the end in seconds since 1970, if the generation has ended.
    ///   - adopt: called with both locks held, before any lookup can find the generation.
    /// - Returns: the generation; live unless its inputs ended it. The caller submits it again. `nil` = this process
    ///   shuts down, and the next process restores the generation.
    package func restore(
        _ spec: GenerationSpec, inputs: some Sequence<(choice: Int, input: GenerationInput)>,
        parser: (any OutputParsing)?, parserDescription: [UInt8] = [],
        forkContext: (any ForkContext)? = nil, isWhole: Bool = true, finished: Int64? = nil,
        adopt: @Sendable (Generation) -> Void = { _ in }
    ) -> Generation? {
        let begin = clock()
        let age = TimeAmount.seconds(max(finished.map { calendar() - $0 } ?? 0, 0))
        let time = begin - age
        let (handle, recorder) = state.withLock { state in
            let handle = GenerationHandle(rawValue: state.lastRestoredHandle + 1)
            state.lastRestoredHandle += UInt64(spec.choiceCount)
            return (handle, state.recorder)
        }
        // Its handle is lower than the handles of new generations, so a label prefers a new generation that began
        // during recovery.
        let generation = Generation(spec, handle: handle, begin: begin, isRestored: true, timerLoop: timerLoop)
        let live = LiveGeneration(generation, series: metricSeries(of: spec), recorder: recorder)
        live.state.withLock { state in
            for choice in state.choices {
                choice.setParser(parser) { parserDescription }
                choice.forkContext = forkContext
            }
        }
        var rest = inputs.makeIterator()
        while true {
            var batch: [(choice: Int, input: GenerationInput)] = []
            while batch.count < Self.inputsAtOnce, let next = rest.next() { batch.append(next) }
            guard !batch.isEmpty else { break }
            live.fold(batch, at: time)
        }
        var effects = FrameEffects()
        let isVisible = live.state.withLock { liveState in
            state.withLock { state in
                guard state.closing == nil else { return false }
                live.finishRestoring(&liveState, isWhole: isWhole, finished: finished ?? calendar(), effects: &effects)
                live.makeVisible(&liveState, in: &state, at: time, effects: &effects)
                adopt(generation)
                // Until the journal says that this process continues the generation, the next process would believe
                // that readers have seen no more than the journal has.
                if isWhole { generation.log.requireDurabilityOfNextEvent() }
                defer { state.trim(quota) }
                guard effects.superseded == [generation.handle] else { return true }
                // A newer generation has its label. No lookup finds the restored generation running.
                effects.superseded = []
                let end = EngineEvent.Kind.finished(GenerationSummary(reason: .cancelled, timings: Timings()), text: [])
                for handle in generation.handles {
                    live.apply(
                        .engine(EngineEvent(handle, end)), to: handle, in: &liveState, at: begin, calendar: calendar,
                        effects: &effects)
                }
                live.settle(&liveState, in: &state, at: begin, effects: &effects)
                return true
            }
        }
        carryOut(effects)
        return isVisible ? generation : nil
    }
}

extension LiveGeneration {
    /// Writes inputs into the log of a generation that no lookup finds yet. The recorder has them already.
    fileprivate func fold(_ inputs: [(choice: Int, input: GenerationInput)], at time: NIODeadline) {
        // There are no readers yet, and no client waits for replies to commands.
        var effects = FrameEffects()
        defer { effects.wakeups.send() }
        state.withLock { state in
            for (index, input) in inputs where state.choices.indices.contains(index) {
                let choice = state.choices[index]
                if case .engine = input, choice.lifecycle.completion != nil { continue }
                let isEnded = choice.apply(input, at: time, isNew: false, wakeups: &effects.wakeups)
                state.byteCount = choice.byteCount
                guard isEnded, state.choices.count > 1 else { continue }
                _ = complete(choice, with: input, in: &state, effects: &effects)
            }
            updateQueue(state)
        }
    }

    /// Leaves out what the earlier process did not finish, once all inputs are folded.
    fileprivate func finishRestoring(
        _ state: inout State, isWhole: Bool, finished: Int64, effects: inout FrameEffects
    ) {
        state.first.restart(isWhole: isWhole)
        state.isPublished = true
        state.pending.isAdmitted = state.isAdmitted
        guard generation.log.extent.isEnded else { return }
        end(&state, effects: &effects)
        state.pending.finished = finished
        updateQueue(state)
    }

    /// Makes a restored generation known to the registry. Both locks are held.
    fileprivate func makeVisible(
        _ state: inout State, in registry: inout GenerationRegistry.State, at time: NIODeadline,
        effects: inout FrameEffects
    ) {
        for handle in generation.handles { registry.live[handle] = self }
        registry.count(generation.spec.owner) { $0.live += generation.spec.choiceCount }
        registry.retentionStore.add(generation)
        registry.retentionStore.publishID(of: generation)
        settle(&state, in: &registry, at: time, effects: &effects)
    }
}
