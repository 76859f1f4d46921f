import MartletProtocol
import Synchronization

/// Delivers events to the receiver, one call at a time and in the order of `add`.
///
/// `add` is called under the lock that decides the order; `deliver` is called without it. The delivering thread also
/// delivers events that other threads add meanwhile, so the thread that reads a worker delivers its events itself.
///
/// Thread: any.
final class DeliveryQueue: Sendable {
    /// A call to the receiver.
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

    /// Appends a call. Does not call the receiver.
    func add(_ delivery: Delivery) {
        state.withLock { $0.pending.append(delivery) }
    }

    /// Delivers all added calls. If another thread is delivering, that thread delivers them.
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

    /// Delivers in a new task, for callers that hold locks which the receiver may need.
    func deliverSoon() {
        Task { self.deliver() }
    }

    /// The added calls; `nil` if there are none or another thread is delivering.
    private func removeBatch() -> [Delivery]? {
        state.withLock { state in
            guard !state.isDelivering, !state.pending.isEmpty else { return nil }
            state.isDelivering = true
            defer { state.pending = [] }
            return state.pending
        }
    }
}
