import Llama
import MartletProtocol

/// Lets a cancel break off a decode that reads the cancelled generation's prompt.
///
/// A decode in which that generation only writes is over sooner than it could be broken off and done again.
final class DecodeGuard: Sendable {
    let signal = AbortSignal()
    private struct State {
        /// Generations of whose prompts the running decode has chunks.
        var prompts: [GenerationHandle] = []
        /// Cancelled, and not yet ended by the engine's thread.
        var cancelled: Set<GenerationHandle> = []
        var isStopping = false
    }
    private let state = Locked(State())

    /// Engine's thread: a decode with chunks of these prompts begins.
    func begin(prompts: [GenerationHandle]) {
        state.withLock { state in
            state.prompts = prompts
            if prompts.contains(where: state.cancelled.contains) { signal.raise() }
        }
    }

    /// Engine's thread: it is over.
    func end() {
        state.withLock { state in
            state.prompts = []
            if !state.isStopping { signal.lower() }
        }
    }

    /// Any thread, before it tells the engine's thread: breaks off the decode if it reads the prompt of `handle`.
    func cancel(_ handle: GenerationHandle) {
        state.withLock { state in
            state.cancelled.insert(handle)
            if state.prompts.contains(handle) { signal.raise() }
        }
    }

    /// Engine's thread: the generation has ended.
    func forget(_ handle: GenerationHandle) {
        _ = state.withLock { $0.cancelled.remove(handle) }
    }

    /// Any thread: breaks off this decode and every later one.
    func stop() {
        state.withLock { state in
            state.isStopping = true
            signal.raise()
        }
    }
}
