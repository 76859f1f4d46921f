internal import Synchronization

/// Computes the pinned prefixes whenever an engine becomes ready: at the start, and after a restart of the worker.
///
/// A restart during a computation begins another computation behind it. Thread: any; the engine's thread calls
/// `engineIsReady`.
package final class PrefixStart: Sendable {
    private struct Guarded {
        var compute: (@Sendable () async -> Void)?
        var isRunning = false
        /// Whether an engine became ready while the computation ran.
        var isDue = false
    }
    private let guarded = Mutex(Guarded())

    /// Makes a start without work.
    package init() {}

    /// Sets the work, and begins it if the engine of a model is ready already.
    package func begin(of models: [ModelReadiness], _ compute: @escaping @Sendable () async -> Void) {
        guarded.withLock { $0.compute = compute }
        if models.contains(where: { if case .ready = $0.state { true } else { false } }) { engineIsReady() }
    }

    /// Begins the work in a task of its own.
    package func engineIsReady() {
        let compute = guarded.withLock { guarded -> (@Sendable () async -> Void)? in
            if guarded.isRunning { guarded.isDue = true }
            guard let compute = guarded.compute, !guarded.isRunning else { return nil }
            guarded.isRunning = true
            return compute
        }
        guard let compute else { return }
        Task {
            repeat { await compute() } while continues()
        }
    }

    /// Whether another computation is due; the task ends otherwise.
    private func continues() -> Bool {
        guarded.withLock { guarded in
            guarded.isRunning = guarded.isDue
            guarded.isDue = false
            return guarded.isRunning
        }
    }
}
