import MartletProtocol
import Synchronization

/// Keeps what an engine tells, and lets a test wait for it.
final class RecordingReceiver: EngineEventReceiver {
    enum Record: Sendable {
        case event(EngineEvent)
        case state(EngineState)
    }

    private let stream: AsyncStream<Record>
    private let continuation: AsyncStream<Record>.Continuation
    private let all = Mutex<[Record]>([])

    init() { (stream, continuation) = AsyncStream.makeStream() }

    func receive(_ events: [EngineEvent]) {
        for event in events { add(.event(event)) }
    }

    func engineStateChanged(_ state: EngineState) { add(.state(state)) }

    private func add(_ record: Record) {
        all.withLock { $0.append(record) }
        continuation.yield(record)
    }

    var events: [EngineEvent] {
        all.withLock { $0 }.compactMap { if case .event(let event) = $0 { event } else { nil } }
    }

    var states: [EngineState] {
        all.withLock { $0 }.compactMap { if case .state(let state) = $0 { state } else { nil } }
    }

    /// Waits for the next record that `matches`, and skips those before it.
    func next(where matches: (Record) -> Bool) async {
        for await record in stream where matches(record) { return }
    }

    func nextReady() async {
        await next { if case .state(.ready) = $0 { true } else { false } }
    }

    func nextFailure() async {
        await next { if case .state(.failed) = $0 { true } else { false } }
    }

    func nextEnd(of handle: GenerationHandle) async {
        await next {
            guard case .event(let event) = $0, event.handle == handle else { return false }
            return event.isEnd
        }
    }
}

extension EngineEvent {
    var isEnd: Bool {
        switch kind {
        case .finished, .failed: true
        default: false
        }
    }

    var error: EngineError? {
        if case .failed(let error) = kind { error } else { nil }
    }
}
