import MartletProtocol
import Synchronization

/// Observes the result of an engine's first start.
///
/// It receives the states of the engine only (`ServerConfiguration.onEngineState`), so it is not on the path of tokens.
///
/// Thread: the one that delivers the engine's states. `onReady` and `onFailure` are called there, outside the lock.
final class StartupObserver: Sendable {
    /// The result of the first start. It changes once, from `open`.
    private enum State {
        case open
        case ready
        case failed(EngineError)
    }

    /// Called outside the lock, at most once.
    private let onReady: @Sendable (ModelInformation) -> Void
    /// Called outside the lock, at most once, and never after `onReady`.
    private let onFailure: @Sendable () -> Void
    private let startState = Mutex(State.open)

    /// - Parameters:
    ///   - onReady: Called once, if the model is loaded.
    ///   - onFailure: Called once, if the model cannot be loaded.
    init(
        onReady: @escaping @Sendable (ModelInformation) -> Void,
        onFailure: @escaping @Sendable () -> Void
    ) {
        self.onReady = onReady
        self.onFailure = onFailure
    }

    /// The error of a failed first start; `nil` while it is open and after a successful one.
    var failure: EngineError? {
        startState.withLock { if case .failed(let error) = $0 { error } else { nil } }
    }

    /// Evaluates a state. Later starts of workers have no effect.
    func engineStateChanged(_ state: EngineState) {
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
