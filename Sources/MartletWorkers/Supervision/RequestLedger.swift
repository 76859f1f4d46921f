package import MartletProtocol

/// Who waits for a worker and who is served by it, so that each ends exactly once and none is lost with a worker.
///
/// A generation whose worker dies waits for the next one, with the tokens that it has told so far to be continued. One
/// that has lost several workers may be what kills them: those are tried one at a time, so that the next loss is the
/// fault of one, and only that one ends.
package struct RequestLedger: Sendable {
    package typealias Instant = ContinuousClock.Instant

    package enum Subject: Hashable, Sendable {
        case generation(GenerationHandle)
        case query(QueryNumber)
    }

    /// Something for a worker.
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

    /// What the death of a worker ends.
    package struct Loss: Sendable, Equatable {
        /// They had it once too often.
        package var generations: [GenerationHandle] = []
        /// They had been cancelled, and nobody answered.
        package var cancelled: [EngineEvent] = []
        package var queries: [QueryNumber] = []
    }

    /// What a generation was told to do.
    package struct Command: Sendable, Equatable {
        package var number: CommandNumber
        package var action: ControlAction

        package init(number: CommandNumber, action: ControlAction) {
            self.number = number
            self.action = action
        }
    }

    private enum Stage: Sendable {
        /// The worker may be reading it.
        case sent
        /// It waits within the worker, which does nothing for it.
        case queued
        case running
    }

    private struct Generation: Sendable {
        /// With every token that was told, and every order that was obeyed.
        var request: GenerationRequest
        /// Not answered yet.
        var commands: [Command] = []
        var stage = Stage.sent
        var losses = 0
        var promptTokens = 0
        var wasStarted = false
        var isCancelled = false
        /// Of this worker.
        var firstToken: Instant?
        var lastToken: Instant?
        var newTokens = 0

        /// - Returns: Whether it is news.
        mutating func admit(_ count: Int) -> Bool {
            defer { promptTokens = count }
            stage = .queued
            return promptTokens == 0
        }

        /// - Returns: Whether it is news.
        mutating func start() -> Bool {
            defer { wasStarted = true }
            stage = .running
            return !wasStarted
        }

        /// - Returns: How many tokens this worker has written.
        mutating func recordToken(_ token: EngineEvent.Kind, at now: Instant) -> Int {
            request.apply(token)
            if firstToken == nil { firstToken = now }
            lastToken = now
            newTokens += 1
            return newTokens
        }

        /// - Returns: The order that was answered, `nil` if there is none, and the request as it is then.
        mutating func recordResult(_ result: EngineEvent.Kind, answering number: CommandNumber) -> (
            Command?, GenerationRequest
        ) {
            request.apply(result)
            return (commands.firstIndex { $0.number == number }.map { commands.remove(at: $0) }, request)
        }

        var cancelled: GenerationSummary {
            var timings = Timings()
            timings.promptTokens = promptTokens
            timings.predictedTokens = request.continuation.count
            timings.predictedTime = request.continuationTime
            return GenerationSummary(reason: .cancelled, timings: timings)
        }
    }

    /// How many workers one generation may lose.
    private let maximumLosses: Int
    /// From so many on a generation is tried alone.
    private let suspectLosses = 2
    /// Tokens that a suspect writes before the next is tried.
    private let provingTokens = 16

    private var waiting: [Item] = []
    private var generations: [GenerationHandle: Generation] = [:]
    /// What the worker has been told and has not ended.
    private var sent: Set<Subject> = []
    /// The one that is being tried.
    private var suspect: GenerationHandle?

    package init(maximumLosses: Int = RestartPolicy().maximumLosses) { self.maximumLosses = maximumLosses }

    /// A request for a ready worker was written.
    package mutating func markSent(_ item: Item) {
        sent.insert(item.subject)
        if case .generation(let request) = item { generations[request.handle] = Generation(request: request) }
    }

    package mutating func enqueue(_ item: Item) {
        waiting.append(item)
        if case .generation(let request) = item { generations[request.handle] = Generation(request: request) }
    }

    /// Whether `release` has something for a ready worker.
    package var hasReleasable: Bool { suspect == nil && !waiting.isEmpty }

    /// The worker is ready, or a suspect has proved to be none.
    /// - Returns: What to write, in the order of arrival.
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

    /// Takes a request back that waits.
    /// - Returns: How it ends, or `nil` if it did not wait.
    package mutating func withdraw(_ handle: GenerationHandle) -> GenerationSummary? {
        guard let index = waiting.firstIndex(where: { $0.subject == .generation(handle) }) else { return nil }
        waiting.remove(at: index)
        return generations.removeValue(forKey: handle)?.cancelled
    }

    /// Notes that a generation is to end.
    /// - Returns: Whether the worker has it and must be told.
    package mutating func cancel(_ handle: GenerationHandle) -> Bool {
        guard sent.contains(.generation(handle)) else { return false }
        generations[handle]?.isCancelled = true
        return true
    }

    /// Notes an order to a generation. A worker that gets the generation later gets it too.
    /// - Returns: Whether the worker has the generation and must be told.
    package mutating func add(_ command: Command, to handle: GenerationHandle) -> Bool {
        generations[handle]?.commands.append(command)
        return sent.contains(.generation(handle))
    }

    /// The orders to a generation that were not answered, in the order they came.
    package func commands(to handle: GenerationHandle) -> [Command] { generations[handle]?.commands ?? [] }

    /// Takes a question back, wherever it is.
    /// - Returns: Whether the worker has it and needs a message.
    package mutating func withdraw(_ number: QueryNumber) -> Bool {
        waiting.removeAll { $0.subject == .query(number) }
        return sent.remove(.query(number)) != nil
    }

    /// Whether the worker was asked this and has not answered.
    package func isPending(_ number: QueryNumber) -> Bool { sent.contains(.query(number)) }

    /// The worker answered a question.
    /// - Returns: Whether it was asked.
    package mutating func end(_ number: QueryNumber) -> Bool { sent.remove(.query(number)) != nil }

    /// The worker told what happened.
    /// - Returns: Whether it is news. What it has no business to tell is none, nor what an earlier worker has told.
    package mutating func apply(_ event: EngineEvent, at now: Instant) -> Bool {
        guard sent.contains(.generation(event.handle)) else { return false }
        guard let index = generations.index(forKey: event.handle) else { return false }
        // Changed in place, never read from here: reading copies all of it.
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

    /// The worker made new generations of one.
    private mutating func begin(_ forks: [ForkedGeneration], of request: GenerationRequest) {
        for fork in forks {
            generations[fork.handle] = Generation(request: request.forked(as: fork))
            sent.insert(.generation(fork.handle))
        }
    }

    /// The worker is gone: what it had waits for the next one, before all others.
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
                // One that waited within the worker has no part in its death.
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

    /// No worker will come.
    /// - Returns: What waited, in order of arrival.
    package mutating func removeWaiting() -> [Subject] {
        defer { waiting.removeAll() }
        for case .generation(let request) in waiting { generations[request.handle] = nil }
        return waiting.map(\.subject)
    }
}

extension RequestLedger.Item {
    /// Handles grow with time.
    fileprivate var sequenceNumber: UInt64 {
        switch self {
        case .generation(let request): request.handle.rawValue
        case .query(let number, _): number.rawValue
        }
    }
}
