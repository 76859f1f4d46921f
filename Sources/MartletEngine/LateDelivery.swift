import Llama
import MartletProtocol

/// Delivers events after the engine thread has ended, in order, with one call at a time.
///
/// The thread that adds an event also delivers it, unless another thread is delivering now; that thread then delivers
/// it. Therefore a receiver may submit a request while it receives.
final class LateDelivery: Sendable {
    private struct State {
        var pending: [EngineEvent] = []
        var isOpen = false
        var isDelivering = false
    }
    private let state = Locked(State())
    private let receiver: any EngineEventReceiver

    init(receiver: any EngineEventReceiver) { self.receiver = receiver }

    func add(_ event: EngineEvent) {
        state.withLock { $0.pending.append(event) }
        deliver()
    }

    /// Begins to deliver: the engine thread has ended.
    func open() {
        state.withLock { $0.isOpen = true }
        deliver()
    }

    private func deliver() {
        while let events = beginDelivery() {
            receiver.receive(events)
            state.withLock { $0.isDelivering = false }
        }
    }

    private func beginDelivery() -> [EngineEvent]? {
        state.withLock { state in
            guard state.isOpen, !state.isDelivering, !state.pending.isEmpty else { return nil }
            state.isDelivering = true
            defer { state.pending = [] }
            return state.pending
        }
    }
}
