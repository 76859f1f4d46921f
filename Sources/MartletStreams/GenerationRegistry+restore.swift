internal import MartletObservability
internal import MartletProtocol
internal import NIOCore
internal import Synchronization

/// What earlier processes left behind.
extension GenerationRegistry {
    /// How many inputs go into a log while the lock is held: others wait for it meanwhile.
    private static let inputsAtOnce = 256

    /// Brings a generation of an earlier process back, with all that happened to it. Nothing of it is recorded again.
    ///
    /// Nobody finds it before all of it is there.
    /// - Parameters:
    ///   - inputs: in the order in which they came; each with the number of the choice that it concerns.
    ///   - splitter: as it was at the beginning, of every choice; the inputs go through it again.
    ///   - isWhole: whether the inputs are all that the process told, rather than what it had written when it died.
    ///   - finished: when it ended, in seconds since 1970, if it did.
    ///   - adopt: called before anybody can find the generation, with the lock held.
    /// - Returns: the generation; live unless its inputs ended it. It is for the caller to submit it again. `nil` = the
    ///   process ends, and the next one has to bring the generation back.
    package func restore(
        _ terms: GenerationTerms, inputs: some Sequence<(choice: Int, input: GenerationInput)>,
        splitter: (any OutputSplitter)?, isWhole: Bool = true, finished: Int64? = nil,
        adopt: (Generation) -> Void = { _ in }
    ) -> Generation? {
        let begin = clock()
        let age = TimeAmount.seconds(max(finished.map { calendar() - $0 } ?? 0, 0))
        let time = begin - age
        let generation = state.withLock { $0.insertRestored(terms, begin: begin, splitter: splitter) }
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
        let (isThere, superseded) = state.withLock { state in
            guard state.closing == nil else {
                state.dropRestored(generation)
                return (false, nil as GenerationHandle?)
            }
            state.restoring[generation.handle]?.restart(isWhole: isWhole)
            let superseded = state.publish(generation, at: time, finished: finished ?? calendar())
            adopt(generation)
            state.trim(quota)
            return (true, superseded)
        }
        if let superseded { cancel(superseded) }
        return isThere ? generation : nil
    }
}

extension GenerationRegistry.State {
    /// Makes room for a generation that nobody can find yet. Its handles are lower than those of new generations, which
    /// may begin meanwhile: to labels it is the older one.
    fileprivate mutating func insertRestored(
        _ terms: GenerationTerms, begin: NIODeadline, splitter: (any OutputSplitter)?
    ) -> Generation {
        let generation = Generation(
            terms, handle: GenerationHandle(rawValue: lastRestoredHandle + 1), begin: begin, isRestored: true)
        lastRestoredHandle += UInt64(terms.choiceCount)
        let series = metrics.index(of: terms.head.model)
        for (choice, handle) in generation.handles.enumerated() {
            let live = LiveGeneration(generation, choice: choice, series: series)
            live.setSplitter(splitter)
            restoring[handle] = live
        }
        return generation
    }

    /// Writes an input into the log of a generation that is being restored.
    fileprivate mutating func fold(_ input: GenerationInput, into handle: GenerationHandle, at time: NIODeadline) {
        guard let taker = restoring[handle], let first = restoring[taker.generation.handle] else { return }
        if case .engine = input, taker.completion != nil { return }
        // Nobody reads it yet, and nobody waits for replies to orders: these are kept.
        var wakeups = Wakeups()
        defer { wakeups.send() }
        let isOver = taker.take(input, at: time, isNew: false, wakeups: &wakeups)
        if isOver, taker.generation.terms.choiceCount > 1 {
            _ = endChoice(taker, with: input, wakeups: &wakeups)
        }
        // What one choice has written counts for all.
        first.byteCount = taker.byteCount
    }

    /// - Returns: which generation is to be cancelled for it.
    fileprivate mutating func publish(
        _ generation: Generation, at time: NIODeadline, finished: Int64
    ) -> GenerationHandle? {
        guard let first = restoring[generation.handle] else { return nil }
        for handle in generation.handles { live[handle] = restoring.removeValue(forKey: handle) }
        count(generation.terms.owner) { usage in
            usage.live += generation.terms.choiceCount
            usage.bytes += first.byteCount
        }
        shelf.add(generation)
        first.isAnnounced = true
        shelf.announce(generation)
        let superseded = first.isAdmitted ? shelf.admit(generation)?.handle : nil
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
