import Llama
import MartletProtocol

/// Delivers events once the engine's thread is gone, one call at a time and in order.
///
/// Whoever adds an event delivers it, unless somebody is delivering already: then that one does. So a receiver may
/// submit again while it receives.
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

    /// The engine's thread is gone.
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
