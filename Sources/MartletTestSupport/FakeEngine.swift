package import MartletProtocol
internal import Synchronization

/// An engine without a model for tests: the test emits its events, and the engine records all calls.
///
/// Example: `let engine = FakeEngine(receiver); engine.step([handle], text: "Hi"); engine.finish(handle)`.
///
/// Events come only from the test and from `script`. An event reaches the receiver before the call that caused it
/// returns. The receiver gets one call at a time.
///
/// Thread: any.
package final class FakeEngine: EngineService {
    /// The events that follow a request at once.
    package struct Script: Sendable {
        package let events: @Sendable (GenerationRequest) -> [EngineEvent.Kind]

        package init(_ events: @escaping @Sendable (GenerationRequest) -> [EngineEvent.Kind]) { self.events = events }
    }

    /// A control command that the engine received.
    package struct Command: Sendable {
        package var handle: GenerationHandle
        package var number: CommandNumber
        package var action: ControlAction
    }

    /// All state. Written by the test and by the code under test.
    private struct Guarded {
        var state: EngineState
        var script: Script
        /// Whether `cancel` ends a running generation.
        var endsOnCancel = true
        var requests: [GenerationRequest] = []
        /// Submitted generations without a terminal event.
        var running: Set<GenerationHandle> = []
        var cancelled: [GenerationHandle] = []
        var commands: [Command] = []
        var unpinned: [PinnedPrefixID] = []
        var slotActions: [SlotAction] = []
        var status = EngineStatus()
        var holdsQueries = false
        /// Queries that wait; `finish` lets one continue.
        var heldQueries: [AsyncStream<Void>.Continuation] = []
        var queryCount = 0
        var withdrawnCount = 0
        /// How often the state has changed.
        var changeCount = 0
        /// Tests that wait for a condition.
        var waiters: [(isMet: @Sendable (FakeEngine) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }
    /// The code under test.
    private let receiver: any EngineEventReceiver
    /// Never locked while the receiver is called, so the receiver may call the engine.
    private let guarded: Mutex<Guarded>
    /// Locked while the receiver is called, so that calls do not overlap.
    private let delivery = Mutex<Void>(())
    /// Events that the receiver caused while it was called. They are delivered after the call.
    private let caused = Mutex<[EngineEvent]>([])
    @TaskLocal private static var isDelivering = false

    /// - Parameter script: By default a request is admitted with one prompt token per byte and started.
    package init(
        _ receiver: any EngineEventReceiver, state: EngineState = .ready(.fake), script: Script = .admit
    ) {
        self.receiver = receiver
        guarded = Mutex(Guarded(state: state, script: script))
    }

    // MARK: Events from a test

    /// Delivers events. A call from within the receiver is delivered after the receiver returns.
    package func send(_ events: [EngineEvent]) {
        guarded.withLock { guarded in
            for event in events where event.kind.isTerminal { guarded.running.remove(event.handle) }
        }
        guard !Self.isDelivering else { return caused.withLock { $0 += events } }
        delivery.withLock { _ in
            Self.$isDelivering.withValue(true) {
                receiver.receive(events)
                while true {
                    let more = caused.withLock { exchange(&$0) }
                    if more.isEmpty { break }
                    receiver.receive(more)
                }
            }
        }
    }

    /// Emits one token for each of these generations, as one step of an engine does.
    package func step(_ handles: [GenerationHandle], token id: Int32 = 1, text: String) {
        send(handles.map { EngineEvent($0, .token(id: id, text: ArraySlice(text.utf8))) })
    }

    /// Ends a generation with `finished`.
    package func finish(
        _ handle: GenerationHandle, _ reason: GenerationSummary.Reason = .endOfGeneration, timings: Timings = Timings()
    ) {
        send([EngineEvent(handle, .finished(GenerationSummary(reason: reason, timings: timings), text: []))])
    }

    /// Ends a generation with `failed`.
    package func fail(_ handle: GenerationHandle, _ error: EngineError) {
        send([EngineEvent(handle, .failed(error))])
    }

    /// Changes the engine's state and reports it.
    package func change(to state: EngineState) {
        guarded.withLock { $0.state = state }
        delivery.withLock { _ in receiver.engineStateChanged(state) }
    }

    /// Replaces the script for later requests.
    package func setScript(_ script: Script) { guarded.withLock { $0.script = script } }

    /// Sets whether a cancelled generation ends by itself. Initially it does.
    package func setEndsOnCancel(_ value: Bool) { guarded.withLock { $0.endsOnCancel = value } }

    /// Sets the result of `status()`.
    package func setStatus(_ status: EngineStatus) { guarded.withLock { $0.status = status } }

    /// Sets whether queries for tokens, texts and embeddings wait until they are withdrawn, or until this is called with
    /// `false`. Initially they do not.
    package func setHoldsQueries(_ value: Bool) {
        let released = guarded.withLock { guarded -> [AsyncStream<Void>.Continuation] in
            guarded.holdsQueries = value
            guard !value else { return [] }
            defer { guarded.heldQueries = [] }
            return guarded.heldQueries
        }
        for query in released { query.finish() }
    }

    // MARK: Records for a test

    /// The number of queries for tokens, texts and embeddings so far.
    package var queryCount: Int { guarded.withLock { $0.queryCount } }
    /// The number of queries that waited and were withdrawn.
    package var withdrawnCount: Int { guarded.withLock { $0.withdrawnCount } }

    /// All submitted requests, in order.
    package var requests: [GenerationRequest] { guarded.withLock { $0.requests } }
    /// All cancelled handles, in order, with repetitions.
    package var cancelled: [GenerationHandle] { guarded.withLock { $0.cancelled } }
    /// All prefixes that were unpinned, in order.
    package var unpinned: [PinnedPrefixID] { guarded.withLock { $0.unpinned } }
    /// All control commands, in order.
    package var commands: [Command] { guarded.withLock { $0.commands } }
    /// Generations that were submitted and have not ended.
    package var running: Set<GenerationHandle> { guarded.withLock { $0.running } }

    /// Waits for the request with this index (from 0) and returns it.
    package func request(_ index: Int) async -> GenerationRequest {
        await wait { $0.requests.count > index }
        return requests[index]
    }

    /// Waits for the control command with this index (from 0) and returns it.
    package func command(_ index: Int) async -> Command {
        await wait { $0.commands.count > index }
        return commands[index]
    }

    /// Waits until `handle` is cancelled.
    package func waitForCancel(of handle: GenerationHandle) async {
        await wait { $0.cancelled.contains(handle) }
    }

    /// Waits until `isMet` is true. It is evaluated again after each call to the engine.
    package func wait(until isMet: @escaping @Sendable (FakeEngine) -> Bool) async {
        await withCheckedContinuation { continuation in
            guarded.withLock { $0.waiters.append((isMet, continuation)) }
            checkWaiters()
        }
    }

    /// Resumes the waiting tests whose condition is met now. The conditions lock the state themselves, so they are
    /// evaluated outside of it, and once more if the state has changed meanwhile.
    private func checkWaiters() {
        guarded.withLock { $0.changeCount += 1 }
        var isCurrent = false
        while !isCurrent {
            let (waiters, changeCount) = guarded.withLock { (exchange(&$0.waiters), $0.changeCount) }
            for waiter in waiters {
                if waiter.isMet(self) {
                    waiter.continuation.resume()
                } else {
                    guarded.withLock { $0.waiters.append(waiter) }
                }
            }
            isCurrent = guarded.withLock { $0.changeCount == changeCount }
        }
    }

    // MARK: EngineService

    /// Records the call.
    package func unpin(_ prefix: PinnedPrefixID) { guarded.withLock { $0.unpinned.append(prefix) } }

    /// The state of the initializer, or of the last `change(to:)`.
    package var state: EngineState { guarded.withLock { $0.state } }

    /// Records the request and emits the script's events.
    package func submit(_ request: GenerationRequest) {
        let script = guarded.withLock { guarded in
            guarded.requests.append(request)
            guarded.running.insert(request.handle)
            return guarded.script
        }
        let events = script.events(request).map { EngineEvent(request.handle, $0) }
        if !events.isEmpty { send(events) }
        checkWaiters()
    }

    /// Records the cancellation, and ends the generation unless `setEndsOnCancel(false)` was called.
    package func cancel(_ handle: GenerationHandle) {
        let ends = guarded.withLock { guarded in
            guarded.cancelled.append(handle)
            return guarded.endsOnCancel && guarded.running.contains(handle)
        }
        if ends { finish(handle, .cancelled) }
        checkWaiters()
    }

    /// Records the command. The test emits its result.
    package func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction) {
        guarded.withLock { $0.commands.append(Command(handle: handle, number: number, action: action)) }
        checkWaiters()
    }

    /// Counts a query. If queries wait, suspends until the task is cancelled or queries wait no more.
    private func waitIfHeld() async {
        let (held, continuation) = AsyncStream.makeStream(of: Void.self)
        let isHeld = guarded.withLock { guarded in
            guarded.queryCount += 1
            if guarded.holdsQueries { guarded.heldQueries.append(continuation) }
            return guarded.holdsQueries
        }
        checkWaiters()
        guard isHeld else { return }
        for await _ in held {}
        guard Task.isCancelled else { return }
        guarded.withLock { $0.withdrawnCount += 1 }
        checkWaiters()
    }

    /// Returns one token per byte, with the byte as its id.
    package func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] {
        await waitIfHeld()
        return prompt.pieces.flatMap { piece -> [TokenPiece] in
            switch piece {
            case .text(let text, _): text.utf8.map { TokenPiece(id: Int32($0), bytes: [$0]) }
            case .tokens(let ids): ids.map { TokenPiece(id: $0, bytes: [UInt8(truncatingIfNeeded: $0)]) }
            }
        }
    }

    /// Returns one byte per token.
    /// - Throws: `invalidRequest` for ids above 255.
    package func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] {
        await waitIfHeld()
        var bytes: [UInt8] = []
        for token in tokens {
            guard let byte = UInt8(exactly: token) else {
                throw EngineError(.invalidRequest, "token \(token) is not in the vocabulary of 256 tokens")
            }
            bytes.append(byte)
        }
        return bytes
    }

    /// Returns vectors of two numbers: the number of tokens, and the sum of their ids.
    package func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] {
        var embeddings: [Embedding] = []
        for input in inputs {
            let ids = try await tokenize(input).map(\.id)
            embeddings.append(
                Embedding(
                    tokenCount: ids.count, length: 2, values: [Float(ids.count), Float(ids.reduce(0) { $0 + Int($1) })])
            )
        }
        return embeddings
    }

    /// Records the action. Its result has the cached tokens of the slot in the status that the test has set.
    ///
    /// - Throws: `invalidRequest` if the status has no such slot.
    package func perform(_ action: SlotAction) async throws(EngineError) -> SlotActionResult {
        await waitIfHeld()
        return try guarded.withLock { guarded throws(EngineError) in
            guarded.slotActions.append(action)
            guard let slot = guarded.status.slots.first(where: { $0.index == action.slot }) else {
                throw EngineError(.invalidRequest, "There is no slot \(action.slot).")
            }
            let byteCount = action.kind == .erase ? 0 : 4 * slot.kvCacheTokens
            return SlotActionResult(tokenCount: slot.kvCacheTokens, byteCount: byteCount)
        }
    }

    /// The slot actions so far.
    package var slotActions: [SlotAction] { guarded.withLock { $0.slotActions } }

    /// Returns the status that the test has set.
    package func status() async throws(EngineError) -> EngineStatus { guarded.withLock { $0.status } }
}

/// Returns the array and leaves an empty one.
private func exchange<Element>(_ array: inout [Element]) -> [Element] {
    defer { array = [] }
    return array
}

extension EngineEvent.Kind {
    /// Whether the event is the last one of its generation.
    fileprivate var isTerminal: Bool {
        switch self {
        case .finished, .failed: true
        default: false
        }
    }
}

extension FakeEngine.Script {
    /// Admits and starts a request: one prompt token per byte, slot 0, no cached tokens.
    package static let admit = Self { request in
        [.admitted(promptTokens: request.prompt.text.utf8.count), .started(slot: 0, cachedTokens: 0)]
    }

    /// Emits nothing.
    package static let hold = Self { _ in [] }

    /// Ends a request with `failed`.
    package static func refuse(_ error: EngineError) -> Self { Self { _ in [.failed(error)] } }

    /// Emits these tokens and `finished` at once. Tokens of the request's continuation are skipped.
    package static func complete(_ tokens: [String]) -> Self {
        Self { request in
            var timings = Timings()
            timings.promptTokens = request.prompt.text.utf8.count
            timings.predictedTokens = tokens.count
            return admit.events(request)
                + tokens.enumerated().dropFirst(request.continuation.count)
                .map { .token(id: Int32($0), text: ArraySlice($1.utf8)) }
                + [.finished(GenerationSummary(reason: .endOfGeneration, timings: timings), text: [])]
        }
    }
}
