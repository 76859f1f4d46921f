internal import MartletAPI
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Whether recovery has restored all generations, for requests that name a generation.
///
/// Owns the thread of recovery, which ends before the journal is closed.
///
/// Thread: any.
final class RecoveryProgress: Sendable {
    private struct State {
        var isRecovering = false
        var isStopped = false
        var waiters: [EventLoopPromise<Bool>] = []
    }
    private let state = Mutex(State())
    private let pool = NIOThreadPool(numberOfThreads: 1)
    /// How long a request waits for a generation that may not be restored yet.
    private let requestTimeout: Duration

    init(requestTimeout: Duration) { self.requestTimeout = requestTimeout }

    var isRecovering: Bool { state.withLock { $0.isRecovering } }

    /// Whether recovery is to stop before the next journal.
    var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Runs `body`, which restores all generations, on the thread of recovery. To be called at most once.
    func begin(_ body: @escaping @Sendable () -> Void) {
        state.withLock { $0.isRecovering = true }
        pool.start()
        pool.submit { [self] _ in
            body()
            let waiters = state.withLock { state in
                state.isRecovering = false
                defer { state.waiters = [] }
                return state.waiters
            }
            for waiter in waiters { waiter.succeed(true) }
        }
    }

    /// Returns when all generations are restored, or when `timeout` has passed on `eventLoop`.
    /// - Returns: whether all generations are restored.
    @discardableResult
    func wait(upTo timeout: Duration, on eventLoop: any EventLoop) async -> Bool {
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

    /// Stops recovery before the next journal, and returns when its thread has ended.
    func stop() async {
        state.withLock { $0.isStopped = true }
        try? await pool.shutdownGracefully()
    }

    // MARK: Requests

    /// Runs a lookup; while recovery runs, a lookup that finds nothing is run again when recovery has ended.
    func lookUp<Found>(
        on eventLoop: any EventLoop, _ lookup: () throws(APIError) -> Found
    ) async throws(APIError) -> Found {
        do throws(APIError) {
            return try lookUpNow(lookup)
        } catch {
            guard error == Self.incomplete else { throw error }
        }
        try await complete(on: eventLoop)
        return try lookup()
    }

    /// Runs a lookup without waiting: while recovery runs, nothing found is a 503 and not a 404.
    func lookUpNow<Found>(_ lookup: () throws(APIError) -> Found) throws(APIError) -> Found {
        // Read before the lookup, as recovery may end during it.
        let isIncomplete = isRecovering
        do throws(APIError) {
            return try lookup()
        } catch {
            throw isIncomplete && error.kind == .notFound ? Self.incomplete : error
        }
    }

    /// Waits until all generations are restored, for routes that list generations.
    func complete(on eventLoop: any EventLoop) async throws(APIError) {
        guard await wait(upTo: requestTimeout, on: eventLoop) else { throw Self.incomplete }
    }

    private static let incomplete = APIError(
        .unavailable, "The generations of the previous server are still being read; try again")
}
