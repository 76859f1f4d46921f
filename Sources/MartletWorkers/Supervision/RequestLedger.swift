package import MartletProtocol

/// All requests and queries, those that wait and those that the worker has. Each ends exactly once.
///
/// A generation whose worker dies waits for the next worker, which continues its tokens. A generation that has lost
/// several workers is a suspect: it may be the cause. Suspects run one at a time, so that the next loss has one cause,
/// and only that generation ends.
///
/// Pure: time is a value. Written only under the lock of `WorkerEngine`.
package struct RequestLedger: Sendable {
    package typealias Instant = ContinuousClock.Instant

    /// The identity of an item.
    package enum Subject: Hashable, Sendable {
        case generation(GenerationHandle)
        case query(QueryNumber)
    }

    /// A request or a query for a worker.
    package enum Item: Sendable, Equatable {
        case generation(GenerationRequest)
        case query(QueryNumber, frame: [UInt8])

        package var subject: Subject {
            switch self {
            case .generation(let request): .generation(request.handle)
            case .query(let number, _): .query(number)
            }
        }
    }

    /// The items that end with a worker.
    package struct Loss: Sendable, Equatable {
        /// Generations that have lost the maximum number of workers.
        package var generations: [GenerationHandle] = []
        /// The terminal events of generations whose cancellation the worker had not confirmed.
        package var cancelled: [EngineEvent] = []
        /// Queries are not repeated: their callers get the error.
        package var queries: [QueryNumber] = []
    }

    /// A control command to a generation.
    package struct Command: Sendable, Equatable {
        package var number: CommandNumber
        package var action: ControlAction

        package init(number: CommandNumber, action: ControlAction) {
            self.number = number
            self.action = action
        }
    }

    private enum Stage: Sendable {
        /// Sent; the worker may be tokenizing it.
        case sent
        /// It waits for a sequence within the worker.
        case queued
        case running
    }

    private struct Generation: Sendable {
        /// The request with all tokens that were emitted and all control commands that were applied.
        var request: GenerationRequest
        /// Commands without a result.
        var commands: [Command] = []
        var stage = Stage.sent
        var losses = 0
        var promptTokens = 0
        var wasStarted = false
        var isCancelled = false
        /// Times and number of the tokens of the present worker.
        var firstToken: Instant?
        var lastToken: Instant?
        var newTokens = 0

        /// - Returns: Whether the event is new; `false` if an earlier worker emitted it.
        mutating func admit(_ count: Int) -> Bool {
            defer { promptTokens = count }
            stage = .queued
            return promptTokens == 0
        }

        /// - Returns: Whether the event is new; `false` if an earlier worker emitted it.
        mutating func start() -> Bool {
            defer { wasStarted = true }
            stage = .running
            return !wasStarted
        }

        /// - Returns: The number of tokens from the present worker.
        mutating func recordToken(_ token: EngineEvent.Kind, at now: Instant) -> Int {
            request.apply(token)
            if firstToken == nil { firstToken = now }
            lastToken = now
            newTokens += 1
            return newTokens
        }

        /// - Returns: The command with this result, `nil` if there is none, and the changed request.
        mutating func recordResult(_ result: EngineEvent.Kind, answering number: CommandNumber) -> (
            Command?, GenerationRequest
        ) {
            request.apply(result)
            return (commands.firstIndex { $0.number == number }.map { commands.remove(at: $0) }, request)
        }

        /// The summary of a generation that ends here because it was cancelled.
        var cancelled: GenerationSummary {
            var timings = Timings()
            timings.promptTokens = promptTokens
            timings.predictedTokens = request.continuation.count
            timings.predictedTime = request.continuationTime
            return GenerationSummary(reason: .cancelled, timings: timings)
        }
    }

    /// The number of lost workers with which a generation ends.
    private let maximumLosses: Int
    /// The number of lost workers from which on a generation is a suspect.
    private let suspectLosses = 2
    /// The number of tokens after which a suspect counts as harmless, and the next suspect runs.
    private let provingTokens = 16

    /// Items without a worker, in order of arrival.
    private var waiting: [Item] = []
    private var generations: [GenerationHandle: Generation] = [:]
    /// The items that the present worker has.
    private var sent: Set<Subject> = []
    /// The suspect that runs now.
    private var suspect: GenerationHandle?

    package init(maximumLosses: Int = RestartPolicy().maximumLosses) { self.maximumLosses = maximumLosses }

    /// Records an item that was sent to a ready worker.
    package mutating func markSent(_ item: Item) {
        sent.insert(item.subject)
        if case .generation(let request) = item { generations[request.handle] = Generation(request: request) }
    }

    /// Records an item that waits for a worker.
    package mutating func enqueue(_ item: Item) {
        waiting.append(item)
        if case .generation(let request) = item { generations[request.handle] = Generation(request: request) }
    }

    /// Whether `release` may return items. Constant time; the check happens for each batch of events.
    package var hasReleasable: Bool { suspect == nil && !waiting.isEmpty }

    /// Moves waiting items to the worker. Called when a worker is ready, and when a suspect has ended or is harmless.
    /// - Returns: The items to send, in order of arrival. At most one of them is a suspect.
    package mutating func release() -> [Item] {
        var released: [Item] = []
        waiting.removeAll { item in
            if case .generation(let request) = item, generations[request.handle]?.losses ?? 0 >= suspectLosses {
                guard suspect == nil else { return false }
                suspect = request.handle
            }
            released.append(item)
            return true
        }
        for item in released { sent.insert(item.subject) }
        return released
    }

    /// Removes a waiting generation.
    /// - Returns: The summary of its terminal event; `nil` if it does not wait.
    package mutating func withdraw(_ handle: GenerationHandle) -> GenerationSummary? {
        guard let index = waiting.firstIndex(where: { $0.subject == .generation(handle) }) else { return nil }
        waiting.remove(at: index)
        return generations.removeValue(forKey: handle)?.cancelled
    }

    /// Records the cancellation of a generation that the worker has.
    /// - Returns: Whether the worker has it and needs a message.
    package mutating func cancel(_ handle: GenerationHandle) -> Bool {
        guard sent.contains(.generation(handle)) else { return false }
        generations[handle]?.isCancelled = true
        return true
    }

    /// Records a control command. A later worker of the generation receives it again if it has no result.
    /// - Returns: Whether the worker has the generation and needs a message.
    package mutating func add(_ command: Command, to handle: GenerationHandle) -> Bool {
        generations[handle]?.commands.append(command)
        return sent.contains(.generation(handle))
    }

    /// The control commands of a generation without a result, in order of arrival.
    package func commands(to handle: GenerationHandle) -> [Command] { generations[handle]?.commands ?? [] }

    /// Removes a query, whether it waits or the worker has it.
    /// - Returns: Whether the worker has it and needs a message.
    package mutating func withdraw(_ number: QueryNumber) -> Bool {
        waiting.removeAll { $0.subject == .query(number) }
        return sent.remove(.query(number)) != nil
    }

    /// Whether the worker has the query and has not replied.
    package func isPending(_ number: QueryNumber) -> Bool { sent.contains(.query(number)) }

    /// Records the reply to a query.
    /// - Returns: Whether the worker had the query.
    package mutating func end(_ number: QueryNumber) -> Bool { sent.remove(.query(number)) != nil }

    /// Applies an event of the worker.
    /// - Returns: Whether to pass the event on. `false` for a generation that the worker does not have, and for an
    ///   event that an earlier worker emitted.
    /// - Complexity: Constant, apart from the tokens' amortized growth.
    package mutating func apply(_ event: EngineEvent, at now: Instant) -> Bool {
        guard sent.contains(.generation(event.handle)) else { return false }
        guard let index = generations.index(forKey: event.handle) else { return false }
        // Mutation in place. Reading the value first would copy all tokens of the generation.
        switch event.kind {
        case .admitted(let promptTokens): return generations.values[index].admit(promptTokens)
        case .started: return generations.values[index].start()
        case .promptProgress, .promptLogprobs: break
        case .token:
            let newTokens = generations.values[index].recordToken(event.kind, at: now)
            if suspect == event.handle, newTokens >= provingTokens { suspect = nil }
        case .controlled(let number, let result):
            let (command, request) = generations.values[index].recordResult(event.kind, answering: number)
            guard let command else { return false }
            if case .applied(.forked, _) = result, case .fork(let forks) = command.action { begin(forks, of: request) }
        case .finished, .failed:
            if suspect == event.handle { suspect = nil }
            sent.remove(.generation(event.handle))
            generations.remove(at: index)
        }
        return true
    }

    /// Records the forks of a generation, which the worker has already.
    private mutating func begin(_ forks: [ForkedGeneration], of request: GenerationRequest) {
        for fork in forks {
            generations[fork.handle] = Generation(request: request.forked(as: fork))
            sent.insert(.generation(fork.handle))
        }
    }

    /// Moves all generations of a dead worker to the front of the waiting items.
    /// - Returns: The items that end instead.
    package mutating func loseWorker() -> Loss {
        var loss = Loss()
        var again: [Item] = []
        for subject in sent {
            switch subject {
            case .query(let number): loss.queries.append(number)
            case .generation(let handle):
                guard var generation = generations[handle] else { continue }
                if let first = generation.firstToken, let last = generation.lastToken {
                    generation.request.continuationTime += last - first
                }
                if generation.isCancelled {
                    loss.cancelled.append(EngineEvent(handle, .finished(generation.cancelled, text: [])))
                    generations[handle] = nil
                    continue
                }
                // A generation that waited within the worker cannot be the cause.
                if generation.stage != .queued { generation.losses += 1 }
                guard generation.losses < maximumLosses else {
                    loss.generations.append(handle)
                    generations[handle] = nil
                    continue
                }
                (generation.firstToken, generation.lastToken, generation.newTokens) = (nil, nil, 0)
                generation.stage = .sent
                generations[handle] = generation
                again.append(.generation(generation.request))
            }
        }
        sent.removeAll()
        suspect = nil
        loss.generations.sort { $0.rawValue < $1.rawValue }
        waiting.insert(contentsOf: again.sorted { $0.sequenceNumber < $1.sequenceNumber }, at: 0)
        return loss
    }

    /// Removes the waiting generations, which a new worker cannot continue. Queries stay.
    /// - Returns: their handles in order of arrival.
    package mutating func removeWaitingGenerations() -> [GenerationHandle] {
        var handles: [GenerationHandle] = []
        waiting.removeAll { item in
            guard case .generation(let request) = item else { return false }
            handles.append(request.handle)
            return true
        }
        for handle in handles { generations[handle] = nil }
        return handles
    }

    /// Removes all waiting items, because there will be no further worker.
    /// - Returns: The removed items in order of arrival.
    package mutating func removeWaiting() -> [Subject] {
        defer { waiting.removeAll() }
        for case .generation(let request) in waiting { generations[request.handle] = nil }
        return waiting.map(\.subject)
    }
}

extension RequestLedger.Item {
    /// The order of arrival: handles and query numbers ascend.
    fileprivate var sequenceNumber: UInt64 {
        switch self {
        case .generation(let request): request.handle.rawValue
        case .query(let number, _): number.rawValue
        }
    }
}
