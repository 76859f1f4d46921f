import Synchronization

/// Releases the buffered lines of a start when the server listens and its model is loaded, in either order.
///
/// Example: the model is loaded before the port turns out to be in use. The lines stay in the buffer, and the error is the
/// only line.
///
/// Thread: any.
final class StartLog: Sendable {
    /// The parts of a start.
    private struct State {
        var isListening = false
        var isLoaded: Bool
    }

    private let sink: LogSink
    private let state: Mutex<State>

    /// - Parameter waitsForModel: `false` for a server of several models, whose first load decides nothing.
    init(_ sink: LogSink, waitsForModel: Bool) {
        self.sink = sink
        state = Mutex(State(isLoaded: !waitsForModel))
    }

    /// The server listens.
    func noteListening() { note { $0.isListening = true } }

    /// The model is loaded. May be called again when a worker is replaced.
    func noteLoaded() { note { $0.isLoaded = true } }

    private func note(_ change: (inout State) -> Void) {
        let isComplete = state.withLock { state in
            change(&state)
            return state.isListening && state.isLoaded
        }
        if isComplete { sink.release() }
    }
}
