internal import Logging
internal import MartletModels
internal import Synchronization

/// The begin and the end of the server.
extension ModelPool {
    /// Loads the models that the server loads at its start.
    package func start() {
        watchSources()
        let numbers = state.withLock { state in
            state.entries.indices.filter { state.entries[$0].definition.loadsOnStartup }.map { ModelNumber($0) }
        }
        for number in numbers {
            if let problem = problem(number) {
                logger.error("\(problem)")
            } else {
                apply(.load(number))
            }
        }
    }

    /// Ends all workers, and returns when their processes are gone.
    package func shutDown() async {
        events.close()
        let workers = state.withLock { state -> [any PoolWorker] in
            state.isStopping = true
            state.tick?.cancel()
            state.watch?.cancel()
            return state.entries.compactMap { $0.worker?.value }
        }
        for worker in workers { worker.end(kills: false) }
        await withCheckedContinuation { continuation in
            let isDone = state.withLock { state in
                guard state.runningCount > 0 else { return true }
                state.endWaiters.append(continuation)
                return false
            }
            if isDone { continuation.resume() }
        }
    }

    /// Kills all workers. Does not wait.
    package func killWorkers() {
        let workers = state.withLockIfAvailable { state in state.entries.compactMap { $0.worker?.value } }
        for worker in workers ?? [] { worker.end(kills: true) }
    }
}
