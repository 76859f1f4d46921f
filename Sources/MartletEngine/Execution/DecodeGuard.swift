import Llama
import MartletProtocol

/// Lets a cancellation abort a decode that computes the prompt of the cancelled generation.
///
/// A decode in which the generation has only one token is not aborted: it ends sooner than an abort and a repetition
/// would take.
///
/// Thread: every method names its thread; the state is locked.
final class DecodeGuard: Sendable {
    let signal = AbortSignal()
    private struct State {
        /// Generations that have prompt chunks in the running decode.
        var prompts: [GenerationHandle] = []
        /// Generations that were cancelled and have no terminal event yet.
        var cancelled: Set<GenerationHandle> = []
        var isStopping = false
    }
    private let state = Locked(State())

    /// Registers the prompts of the decode that begins. Thread: the engine thread.
    func begin(prompts: [GenerationHandle]) {
        state.withLock { state in
            state.prompts = prompts
            if prompts.contains(where: state.cancelled.contains) { signal.raise() }
        }
    }

    /// Ends the decode, and lowers the signal. Thread: the engine thread.
    func end() {
        state.withLock { state in
            state.prompts = []
            if !state.isStopping { signal.lower() }
        }
    }

    /// Aborts the running decode if it computes the prompt of `handle`. Thread: any, before the message to the engine
    /// thread.
    func cancel(_ handle: GenerationHandle) {
        state.withLock { state in
            state.cancelled.insert(handle)
            if state.prompts.contains(handle) { signal.raise() }
        }
    }

    /// Removes a generation that has ended. Thread: the engine thread.
    func remove(_ handle: GenerationHandle) {
        _ = state.withLock { $0.cancelled.remove(handle) }
    }

    /// Aborts this decode and every later one. Thread: any.
    func stop() {
        state.withLock { state in
            state.isStopping = true
            signal.raise()
        }
    }
}
