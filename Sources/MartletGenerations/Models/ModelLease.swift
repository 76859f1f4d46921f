package import MartletProtocol
package import MartletStreams
internal import Synchronization

/// The wishes of a request about the load of its model.
package struct LeaseTerms: Sendable, Equatable {
    /// The time for which the model remains loaded after its last request; negative = for ever; nil = the model's own.
    package var keepAlive: Duration?
    /// Whether the request loads the model if it is not loaded; nil = as the server is configured.
    package var loadsModel: Bool?
    /// Whether the request continues work that the model does already, such as a fork of a generation. It is admitted
    /// although the model admits no new request.
    package var isContinuation = false

    /// Makes terms without wishes.
    package init() {}
}

/// The claim of one request on a model: the model stays loaded until the lease ends.
///
/// The lease of a model that is not loaded is resolved when the model serves the request, or when it cannot.
/// Thread: any.
package final class ModelLease: Sendable {
    private struct State {
        var result: Result<ServedModel, GenerationError>?
        var waiters: [@Sendable (Result<ServedModel, GenerationError>) -> Void] = []
        /// Called with the progress of the model until the lease is resolved.
        var observer: (@Sendable (ModelWait) -> Void)?
        /// The last reported progress.
        var wait: ModelWait?
        /// Called at the end; nil afterwards.
        var onEnd: (@Sendable () -> Void)?
    }
    private let state: Mutex<State>

    /// Makes a lease that is not resolved.
    /// - Parameter onEnd: called once, at the end of the lease.
    package init(onEnd: (@Sendable () -> Void)? = nil) { state = Mutex(State(onEnd: onEnd)) }

    /// The model, or the reason why the request does not get it; nil while the request waits.
    package var result: Result<ServedModel, GenerationError>? { state.withLock { $0.result } }

    /// Resolves the lease. The first call counts.
    package func resolve(_ result: Result<ServedModel, GenerationError>) {
        let waiters = state.withLock { state in
            guard state.result == nil else { return [] as [@Sendable (Result<ServedModel, GenerationError>) -> Void] }
            state.result = result
            state.observer = nil
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter(result) }
    }

    /// Calls `body` once, when the lease is resolved: at once, or on the thread that resolves it, so `body` must not take
    /// long.
    package func whenResolved(_ body: @escaping @Sendable (Result<ServedModel, GenerationError>) -> Void) {
        let result = state.withLock { state in
            if state.result == nil { state.waiters.append(body) }
            return state.result
        }
        if let result { body(result) }
    }

    /// Reports the progress of the model to the request that waits. A resolved lease, and a progress that says nothing new,
    /// are ignored.
    package func report(_ wait: ModelWait) {
        let observer = state.withLock { state -> (@Sendable (ModelWait) -> Void)? in
            guard state.result == nil, state.wait.map({ wait.follows($0) }) ?? true else { return nil }
            state.wait = wait
            return state.observer
        }
        observer?(wait)
    }

    /// Calls `body` with the progress so far, if there is any, and with each later one, until the lease is resolved. At most
    /// one body is called. Thread: the one that reports.
    package func whenProgressing(_ body: @escaping @Sendable (ModelWait) -> Void) {
        let wait = state.withLock { state in
            if state.result == nil { state.observer = body }
            return state.result == nil ? state.wait : nil
        }
        if let wait { body(wait) }
    }

    /// Waits for the model. A cancelled task ends the lease.
    package func model() async throws(GenerationError) -> ServedModel {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                whenResolved { continuation.resume(returning: $0) }
            }
        } onCancel: {
            resolve(.failure(GenerationError(.unavailable, "The request was cancelled")))
            end()
        }
        return try result.get()
    }

    /// Ends the claim. Later calls have no effect.
    ///
    /// A lease that is not resolved is resolved with an error: nothing of a request that has ended waits for its model.
    package func end() {
        resolve(.failure(GenerationError(.unavailable, "The request has ended")))
        let onEnd = state.withLock { state in
            defer { state.onEnd = nil }
            return state.onEnd
        }
        onEnd?()
    }

    deinit { state.withLock { $0.onEnd }?() }
}

extension ModelWait {
    /// Whether the wait is worth a report after another one: another stage, or a hundredth more.
    ///
    /// A model may be queued again, because its load was cancelled for another one or has run out of memory.
    fileprivate func follows(_ earlier: ModelWait) -> Bool {
        stage != earlier.stage || parts - earlier.parts >= 100
    }
}
