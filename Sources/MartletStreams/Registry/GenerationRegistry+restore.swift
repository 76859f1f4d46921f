internal import MartletObservability
internal import MartletProtocol
internal import NIOCore
internal import Synchronization

/// Generations of earlier processes.
extension GenerationRegistry {
    /// How many inputs are folded per acquisition of the lock, which the events of running generations need as well.
    private static let inputsAtOnce = 256

    /// Restores a generation of an earlier process from its inputs, which are not recorded again.
    ///
    /// No lookup finds the generation before its log is complete.
    /// - Parameters:
    ///   - inputs: in their order; each with the number of its choice.
    ///   - parser: in its initial state, for every choice; the inputs pass through it again.
    ///   - forkContext: what `submit` would get of the client's request.
    ///   - isWhole: whether the inputs are complete, rather than cut off by the death of the process.
    ///   - finished: the time of the end in seconds since 1970, if the generation has ended.
    ///   - adopt: called with the lock held, before any lookup can find the generation.
    /// - Returns: the generation; live unless its inputs ended it. The caller submits it again. `nil` = this process
    ///   shuts down, and the next process restores the generation.
    package func restore(
        _ spec: GenerationSpec, inputs: some Sequence<(choice: Int, input: GenerationInput)>,
        parser: (any OutputParsing)?, forkContext: (any Sendable)? = nil, isWhole: Bool = true, finished: Int64? = nil,
        adopt: (Generation) -> Void = { _ in }
    ) -> Generation? {
        let begin = clock()
        let age = TimeAmount.seconds(max(finished.map { calendar() - $0 } ?? 0, 0))
        let time = begin - age
        let generation = state.withLock {
            $0.insertRestored(spec, begin: begin, parser: parser, forkContext: forkContext)
        }
        var rest = inputs.makeIterator()
        var isAtEnd = false
        while !isAtEnd {
            var batch: [(choice: Int, input: GenerationInput)] = []
            while batch.count < Self.inputsAtOnce, let next = rest.next() { batch.append(next) }
            isAtEnd = batch.isEmpty
            state.withLock { state in
                for (choice, input) in batch {
                    state.fold(input, into: generation.handle(ofChoice: choice), at: time)
                }
            }
        }
        var wakeups = Wakeups()
        let (isThere, superseded) = state.withLock { state in
            guard state.closing == nil else {
                state.dropRestored(generation)
                return (false, nil as GenerationHandle?)
            }
            state.restoring[generation.handle]?.restart(isWhole: isWhole)
            var superseded = state.makeVisible(generation, at: time, finished: finished ?? calendar())
            adopt(generation)
            if superseded == generation.handle {
                // A newer generation has its label. No lookup finds the restored generation running.
                superseded = nil
                let end = EngineEvent.Kind.finished(GenerationSummary(reason: .cancelled, timings: Timings()), text: [])
                for handle in generation.handles {
                    let input = GenerationInput.engine(EngineEvent(handle, end))
                    _ = state.apply(input, to: handle, at: begin, wakeups: &wakeups, calendar: calendar)
                }
            }
            state.trim(quota)
            return (true, superseded)
        }
        wakeups.send()
        if let superseded { cancel(superseded) }
        return isThere ? generation : nil
    }
}

extension GenerationRegistry.State {
    /// Adds a generation that no lookup finds yet. Its handles are lower than the handles of new generations, so a
    /// label prefers a new generation that began during recovery.
    fileprivate mutating func insertRestored(
        _ spec: GenerationSpec, begin: NIODeadline, parser: (any OutputParsing)?, forkContext: (any Sendable)?
    ) -> Generation {
        let generation = Generation(
            spec, handle: GenerationHandle(rawValue: lastRestoredHandle + 1), begin: begin, isRestored: true)
        lastRestoredHandle += UInt64(spec.choiceCount)
        let series = metrics.index(of: spec.head.model)
        for (choice, handle) in generation.handles.enumerated() {
            let live = LiveGeneration(generation, choice: choice, series: series)
            live.setParser(parser)
            live.forkContext = forkContext
            restoring[handle] = live
        }
        return generation
    }

    /// Writes an input into the log of a generation that is being restored.
    fileprivate mutating func fold(_ input: GenerationInput, into handle: GenerationHandle, at time: NIODeadline) {
        guard let target = restoring[handle], let first = restoring[target.generation.handle] else { return }
        if case .engine = input, target.completion != nil { return }
        // There are no readers yet, and no client waits for the replies to orders: these are kept.
        var wakeups = Wakeups()
        defer { wakeups.send() }
        let isOver = target.apply(input, at: time, isNew: false, wakeups: &wakeups)
        if isOver, target.generation.spec.choiceCount > 1 {
            _ = endChoice(target, with: input, wakeups: &wakeups)
        }
        // The first choice counts the bytes of all choices.
        first.byteCount = target.byteCount
    }

    /// Makes a restored generation known.
    /// - Returns: the generation that has to be cancelled, as another generation supersedes it.
    fileprivate mutating func makeVisible(
        _ generation: Generation, at time: NIODeadline, finished: Int64
    ) -> GenerationHandle? {
        guard let first = restoring[generation.handle] else { return nil }
        for handle in generation.handles { live[handle] = restoring.removeValue(forKey: handle) }
        count(generation.spec.owner) { usage in
            usage.live += generation.spec.choiceCount
            usage.bytes += first.byteCount
        }
        retentionStore.add(generation)
        first.hasPublishedID = true
        retentionStore.publishID(of: generation)
        let superseded = first.isAdmitted ? retentionStore.admit(generation)?.handle : nil
        if generation.log.extent.isEnded {
            var wakeups = Wakeups()
            remove(generation, wakeups: &wakeups)
            end(first, at: time, finished: finished)
        }
        return superseded
    }

    fileprivate mutating func dropRestored(_ generation: Generation) {
        for handle in generation.handles { restoring[handle] = nil }
    }
}
