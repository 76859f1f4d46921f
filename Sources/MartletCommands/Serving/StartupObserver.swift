import MartletProtocol
import Synchronization

/// Passes an engine's events to another receiver and observes the result of the first start.
///
/// Thread: the one that delivers the engine's events. `onReady` and `onFailure` are called there, outside the lock.
final class StartupObserver: EngineEventReceiver {
    /// The result of the first start. It changes once, from `open`.
    private enum State {
        case open
        case ready
        case failed(EngineError)
    }

    /// Receives all events unchanged, before the observer handles them.
    private let receiver: any EngineEventReceiver
    /// Called outside the lock, at most once.
    private let onReady: @Sendable (ModelInformation) -> Void
    /// Called outside the lock, at most once, and never after `onReady`.
    private let onFailure: @Sendable () -> Void
    private let startState = Mutex(State.open)

    /// - Parameters:
    ///   - onReady: Called once, if the model is loaded.
    ///   - onFailure: Called once, if the model cannot be loaded.
    init(
        receiver: any EngineEventReceiver, onReady: @escaping @Sendable (ModelInformation) -> Void,
        onFailure: @escaping @Sendable () -> Void
    ) {
        self.receiver = receiver
        self.onReady = onReady
        self.onFailure = onFailure
    }

    /// The error of a failed first start; `nil` while it is open and after a successful one.
    var failure: EngineError? {
        startState.withLock { if case .failed(let error) = $0 { error } else { nil } }
    }

    /// Events of generations do not matter here, and the path of tokens must stay short.
    func receive(_ events: [EngineEvent]) { receiver.receive(events) }

    /// Passes the state on, then evaluates it. Later starts of workers have no effect.
    func engineStateChanged(_ state: EngineState) {
        receiver.engineStateChanged(state)
        let call = startState.withLock { startState -> (() -> Void)? in
            guard case .open = startState else { return nil }
            switch state {
            case .ready(let information):
                startState = .ready
                return { self.onReady(information) }
            case .failed(let error) where error.code != .shuttingDown:
                startState = .failed(error)
                return { self.onFailure() }
            default: return nil
            }
        }
        call?()
    }
}
