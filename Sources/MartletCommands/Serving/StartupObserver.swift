import MartletProtocol
import Synchronization

/// Passes an engine's events on and notices how its first start went.
final class StartupObserver: EngineEventReceiver {
    private enum State {
        case open
        case ready
        case failed(EngineError)
    }

    private let receiver: any EngineEventReceiver
    private let onReady: @Sendable (ModelInformation) -> Void
    private let onFailure: @Sendable () -> Void
    private let startState = Mutex(State.open)

    /// - Parameters:
    ///   - onReady: Called once, if the model is loaded.
    ///   - onFailure: Called once, if it cannot be.
    init(
        receiver: any EngineEventReceiver, onReady: @escaping @Sendable (ModelInformation) -> Void,
        onFailure: @escaping @Sendable () -> Void
    ) {
        self.receiver = receiver
        self.onReady = onReady
        self.onFailure = onFailure
    }

    /// Why the model could not be loaded.
    var failure: EngineError? {
        startState.withLock { if case .failed(let error) = $0 { error } else { nil } }
    }

    func receive(_ events: [EngineEvent]) { receiver.receive(events) }

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
