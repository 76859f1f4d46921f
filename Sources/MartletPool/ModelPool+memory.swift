package import MartletModels
internal import MartletStreams
internal import Synchronization

/// The memory that workers really use, beside the memory that their plans state.
extension ModelPool {
    /// The shortest time between two measurements because of ended requests.
    static let measurePause: Duration = .seconds(1)

    /// Measures the workers of all models.
    /// - Complexity: one small file of the system for each worker.
    package func measureAll() {
        let numbers = state.withLock { state in
            state.entries.indices.filter { state.entries[$0].worker != nil }.map { ModelNumber($0) }
        }
        for number in numbers { measure(number) }
    }

    /// Measures the worker of a model, and lets the policy learn a need that its plan did not see.
    ///
    /// The plan is an upper bound of what a worker uses right after a load, so a smaller use changes nothing: the KV cache
    /// has pages only for tokens that were computed.
    /// - Parameter pause: the shortest time since the last measurement.
    func measure(_ number: ModelNumber, atMostEvery pause: Duration = .zero) {
        let now = settings.now()
        let worker = state.withLock { state -> (any PoolWorker)? in
            let entry = state.entries[number.rawValue]
            if let last = entry.memory, pause > .zero, now - last.at < pause { return nil }
            return entry.worker?.value
        }
        guard let worker, let memory = worker.memory else { return }
        let isMore = state.withLock { state in
            state.entries[number.rawValue].memory = (memory, now)
            return memory.peak > state.policy.needs(of: number).bytes.first ?? 0
        }
        if isMore { apply(.measured(number, used: MemoryAmount(memory.peak))) }
    }

    // MARK: Contexts

    /// The error of a refusal, with the largest context that would fit if memory is the reason.
    func error(_ refusal: LifecycleRefusal, of number: ModelNumber) -> GenerationError {
        switch refusal {
        case .tooLarge(_, let amount), .tooLargeBesidePinned(_, let amount):
            GenerationError(refusal, largestContext: largestContext(of: number, in: amount))
        default: GenerationError(refusal)
        }
    }

    /// The largest context of a model that fits into an amount, in tokens; 0 = none, nil = not known. Computed once for the
    /// same files and the same amount.
    func largestContext(of number: ModelNumber, in amount: MemoryAmount) -> Int? {
        let (definition, known) = state.withLock { state in
            (state.entries[number.rawValue].definition, state.entries[number.rawValue].contextFit)
        }
        if let known, known.amount == amount { return known.length }
        let length = definition.largestContext(amount)
        state.withLock { $0.entries[number.rawValue].contextFit = (amount, length) }
        return length
    }
}

/// The consequences of a load that was not begun.
package struct LoadPreview: Sendable {
    package var status: ModelStatus
    package var preview: LifecyclePolicy.Preview
    /// The names of the models that would go.
    package var victims: [String]
    /// The largest context that fits if all models that are not pinned are gone, in tokens; 0 = none, nil = not known.
    package var largestContext: Int?
}
