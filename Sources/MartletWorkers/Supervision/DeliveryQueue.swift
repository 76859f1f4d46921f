import MartletProtocol
import Synchronization

/// Hands events to the receiver, one call at a time and in the order in which they were added.
///
/// Adding is done under the lock that decides an order; delivering is done without it. Whoever delivers takes along
/// what others add meanwhile, so the reader of a worker delivers its own events without a change of task.
final class DeliveryQueue: Sendable {
    enum Delivery: Sendable {
        case events([EngineEvent])
        case state(EngineState)
    }

    private struct State {
        var pending: [Delivery] = []
        var isDelivering = false
    }

    private let receiver: any EngineEventReceiver
    private let state = Mutex(State())

    init(receiver: any EngineEventReceiver) { self.receiver = receiver }

    func add(_ delivery: Delivery) {
        state.withLock { $0.pending.append(delivery) }
    }

    /// Delivers all that was added, unless somebody else is delivering: then they do.
    func deliver() {
        while let batch = removeBatch() {
            for delivery in batch {
                switch delivery {
                case .events(let events): receiver.receive(events)
                case .state(let state): receiver.engineStateChanged(state)
                }
            }
            state.withLock { $0.isDelivering = false }
        }
    }

    /// Delivers from a task of its own, for callers whose own locks the receiver may want.
    func deliverSoon() {
        Task { self.deliver() }
    }

    private func removeBatch() -> [Delivery]? {
        state.withLock { state in
            guard !state.isDelivering, !state.pending.isEmpty else { return nil }
            state.isDelivering = true
            defer { state.pending = [] }
            return state.pending
        }
    }
}
