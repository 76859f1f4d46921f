package import MartletStreams
package import NIOCore
internal import Synchronization

/// Whether recovery has restored all generations, for requests that name a generation.
///
/// Owns the executor of recovery, which ends before the journal is closed.
///
/// Thread: any.
package final class RecoveryProgress: Sendable {
    private struct State {
        var isRecovering = false
        var isStopped = false
        var waiters: [EventLoopPromise<Bool>] = []
    }
    private let state = Mutex(State())
    private let executor: any StepExecutor
    /// How long a request waits for a generation that may not be restored yet.
    private let requestTimeout: Duration

    /// Makes the progress of a recovery that has not begun. Without a journal it never begins, and no caller waits.
    ///
    /// - Parameter executor: runs the steps of recovery; the default is a thread of its own.
    package init(requestTimeout: Duration, executor: any StepExecutor = StepThread()) {
        self.requestTimeout = requestTimeout
        self.executor = executor
    }

    /// Whether generations of an earlier server may be missing.
    package var isRecovering: Bool { state.withLock { $0.isRecovering } }

    /// Whether recovery is to stop before the next journal.
    var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Restores all generations, one step of the executor for each journal. To be called at most once.
    package func begin(_ recovery: RecoveryRun) {
        state.withLock { $0.isRecovering = true }
        executor.submit { [self] in
            if recovery.step() { return true }
            let waiters = state.withLock { state in
                state.isRecovering = false
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.succeed(true) }
            return false
        }
    }

    /// Returns when all generations are restored, or when `timeout` has passed on `eventLoop`.
    /// - Returns: whether all generations are restored.
    @discardableResult
    package func wait(upTo timeout: Duration, on eventLoop: any EventLoop) async -> Bool {
        let promise = eventLoop.makePromise(of: Bool.self)
        let mustWait = state.withLock { state in
            guard state.isRecovering else { return false }
            state.waiters.append(promise)
            return true
        }
        guard mustWait else {
            promise.succeed(true)
            return true
        }
        let timer = eventLoop.scheduleTask(in: TimeAmount(timeout)) { promise.succeed(false) }
        let isComplete = (try? await promise.futureResult.get()) ?? false
        timer.cancel()
        return isComplete
    }

    /// Stops recovery before the next journal, and returns when its last step has ended.
    package func stop() async {
        state.withLock { $0.isStopped = true }
        await executor.shutDown()
    }

    // MARK: Requests

    /// Runs a lookup; while recovery runs, a lookup that finds nothing is run again when recovery has ended.
    package func lookUp<Found>(
        on eventLoop: any EventLoop, _ lookup: () throws(GenerationError) -> Found
    ) async throws(GenerationError) -> Found {
        do throws(GenerationError) {
            return try lookUpNow(lookup)
        } catch {
            guard error == Self.incomplete else { throw error }
        }
        try await complete(on: eventLoop)
        return try lookup()
    }

    /// Runs a lookup without waiting. While recovery runs, a missing generation is `unavailable` and not `notFound`.
    package func lookUpNow<Found>(_ lookup: () throws(GenerationError) -> Found) throws(GenerationError) -> Found {
        // Read before the lookup, as recovery may end during it.
        let isIncomplete = isRecovering
        do throws(GenerationError) {
            return try lookup()
        } catch {
            throw isIncomplete && error.kind == .notFound ? Self.incomplete : error
        }
    }

    /// Waits until all generations are restored, for routes that list generations.
    package func complete(on eventLoop: any EventLoop) async throws(GenerationError) {
        guard await wait(upTo: requestTimeout, on: eventLoop) else { throw Self.incomplete }
    }

    /// The error of a lookup that found nothing while generations may be missing.
    private static let incomplete = GenerationError(
        .unavailable, "The generations of the previous server are still being read; try again")
}
