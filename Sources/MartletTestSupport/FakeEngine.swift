package import MartletProtocol
internal import Synchronization

/// An engine without a model: it does what a test tells it, when the test tells it, and remembers what it was asked.
///
/// Nothing happens by itself except what `script` says. Events reach the receiver before the call that caused them
/// returns, one call at a time.
package final class FakeEngine: EngineService {
    /// What happens at once when a request arrives.
    package struct Script: Sendable {
        package let events: @Sendable (GenerationRequest) -> [EngineEvent.Kind]

        package init(_ events: @escaping @Sendable (GenerationRequest) -> [EngineEvent.Kind]) { self.events = events }
    }

    package struct Command: Sendable {
        package var handle: GenerationHandle
        package var number: CommandNumber
        package var action: ControlAction
    }

    private struct Guarded {
        var state: EngineState
        var script: Script
        var endsOnCancel = true
        var requests: [GenerationRequest] = []
        var running: Set<GenerationHandle> = []
        var cancelled: [GenerationHandle] = []
        var commands: [Command] = []
        var status = EngineStatus()
        var holdsQueries = false
        var queryCount = 0
        var withdrawnCount = 0
        var waiters: [(isMet: @Sendable (FakeEngine) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }
    private let receiver: any EngineEventReceiver
    private let guarded: Mutex<Guarded>
    /// Held while the receiver is called.
    private let delivery = Mutex<Void>(())
    /// What the receiver causes while it is called: it gets that when the call has returned.
    private let caused = Mutex<[EngineEvent]>([])
    @TaskLocal private static var isDelivering = false

    /// - Parameter script: by default a request is admitted with as many tokens as it has bytes, and no more happens.
    package init(
        _ receiver: any EngineEventReceiver, state: EngineState = .ready(.fake), script: Script = .admit
    ) {
        self.receiver = receiver
        guarded = Mutex(Guarded(state: state, script: script))
    }

    // MARK: What a test does

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

    /// One decode step: one token for each of these generations.
    package func step(_ handles: [GenerationHandle], token id: Int32 = 1, text: String) {
        send(handles.map { EngineEvent($0, .token(id: id, text: ArraySlice(text.utf8))) })
    }

    package func finish(
        _ handle: GenerationHandle, _ reason: GenerationSummary.Reason = .endOfGeneration, timings: Timings = Timings()
    ) {
        send([EngineEvent(handle, .finished(GenerationSummary(reason: reason, timings: timings), text: []))])
    }

    package func fail(_ handle: GenerationHandle, _ error: EngineError) {
        send([EngineEvent(handle, .failed(error))])
    }

    package func change(to state: EngineState) {
        guarded.withLock { $0.state = state }
        delivery.withLock { _ in receiver.engineStateChanged(state) }
    }

    package func setScript(_ script: Script) { guarded.withLock { $0.script = script } }

    /// Whether a cancelled generation ends by itself. At first: yes.
    package func setEndsOnCancel(_ value: Bool) { guarded.withLock { $0.endsOnCancel = value } }

    package func setStatus(_ status: EngineStatus) { guarded.withLock { $0.status = status } }

    /// Whether questions for tokens, texts and embeddings are never answered. At first: no.
    package func setHoldsQueries(_ value: Bool) { guarded.withLock { $0.holdsQueries = value } }

    // MARK: What a test asks

    /// Questions for tokens, texts and embeddings so far.
    package var queryCount: Int { guarded.withLock { $0.queryCount } }
    /// Of these, how many were held and withdrawn.
    package var withdrawnCount: Int { guarded.withLock { $0.withdrawnCount } }

    package var requests: [GenerationRequest] { guarded.withLock { $0.requests } }
    package var cancelled: [GenerationHandle] { guarded.withLock { $0.cancelled } }
    package var commands: [Command] { guarded.withLock { $0.commands } }
    /// Generations that were submitted and have not ended.
    package var running: Set<GenerationHandle> { guarded.withLock { $0.running } }

    /// Returns the request with this index, counted from 0, when it is there.
    package func request(_ index: Int) async -> GenerationRequest {
        await wait { $0.requests.count > index }
        return requests[index]
    }

    /// Returns the order with this index, counted from 0, when it is there.
    package func command(_ index: Int) async -> Command {
        await wait { $0.commands.count > index }
        return commands[index]
    }

    /// Returns when `handle` has been cancelled.
    package func waitForCancel(of handle: GenerationHandle) async {
        await wait { $0.cancelled.contains(handle) }
    }

    /// Returns when `isMet` is true. It is tested again after every request and every cancel.
    package func wait(until isMet: @escaping @Sendable (FakeEngine) -> Bool) async {
        await withCheckedContinuation { continuation in
            guarded.withLock { $0.waiters.append((isMet, continuation)) }
            checkWaiters()
        }
    }

    private func checkWaiters() {
        for waiter in guarded.withLock({ exchange(&$0.waiters) }) {
            if waiter.isMet(self) {
                waiter.continuation.resume()
            } else {
                guarded.withLock { $0.waiters.append(waiter) }
            }
        }
    }

    // MARK: EngineService

    package var state: EngineState { guarded.withLock { $0.state } }

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

    package func cancel(_ handle: GenerationHandle) {
        let ends = guarded.withLock { guarded in
            guarded.cancelled.append(handle)
            return guarded.endsOnCancel && guarded.running.contains(handle)
        }
        if ends { finish(handle, .cancelled) }
        checkWaiters()
    }

    /// Only remembered: what becomes of it is for the test to say.
    package func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction) {
        guarded.withLock { $0.commands.append(Command(handle: handle, number: number, action: action)) }
        checkWaiters()
    }

    /// Waits, where questions are held, until this one is withdrawn.
    private func waitIfHeld() async {
        let isHeld = guarded.withLock { guarded in
            guarded.queryCount += 1
            return guarded.holdsQueries
        }
        checkWaiters()
        guard isHeld else { return }
        let (never, continuation) = AsyncStream.makeStream(of: Void.self)
        for await _ in never {}
        continuation.finish()
        guarded.withLock { $0.withdrawnCount += 1 }
        checkWaiters()
    }

    /// One token for each byte.
    package func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] {
        await waitIfHeld()
        return prompt.pieces.flatMap { piece -> [TokenPiece] in
            switch piece {
            case .text(let text, _): text.utf8.map { TokenPiece(id: Int32($0), bytes: [$0]) }
            case .tokens(let ids): ids.map { TokenPiece(id: $0, bytes: [UInt8(truncatingIfNeeded: $0)]) }
            }
        }
    }

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

    /// Two numbers: the input's bytes or tokens, and their sum.
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

    package func status() async throws(EngineError) -> EngineStatus { guarded.withLock { $0.status } }
}

private func exchange<Element>(_ array: inout [Element]) -> [Element] {
    defer { array = [] }
    return array
}

extension EngineEvent.Kind {
    fileprivate var isTerminal: Bool {
        switch self {
        case .finished, .failed: true
        default: false
        }
    }
}

extension FakeEngine.Script {
    /// Admits and starts a request.
    package static let admit = Self { request in
        [.admitted(promptTokens: request.prompt.text.utf8.count), .started(slot: 0, cachedTokens: 0)]
    }

    /// Takes a request and keeps silent.
    package static let hold = Self { _ in [] }

    /// Refuses a request.
    package static func refuse(_ error: EngineError) -> Self { Self { _ in [.failed(error)] } }

    /// Answers a request with these tokens at once, but for those that it continues.
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
