internal import MartletAPI
internal import NIOCore
internal import NIOPosix
internal import Synchronization

/// Whether all answers of earlier servers are back, for requests that ask for one of them.
///
/// Recovery runs on a thread of its own. It has its thread here, and ends before the journal is closed.
///
/// Thread: any.
final class RecoveryGate: Sendable {
    private struct State {
        var isRecovering = false
        var isStopped = false
        var waiters: [EventLoopPromise<Bool>] = []
    }
    private let state = Mutex(State())
    private let pool = NIOThreadPool(numberOfThreads: 1)
    /// How long a request waits for an answer that may not be back yet.
    private let patience: Duration

    init(patience: Duration) { self.patience = patience }

    var isRecovering: Bool { state.withLock { $0.isRecovering } }

    /// Whether recovery is to end where it is.
    var isStopped: Bool { state.withLock { $0.isStopped } }

    /// Runs `body`, which brings everything back. To be called at most once.
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

    /// Returns when everything is back, or when `timeout` has passed on `eventLoop`.
    /// - Returns: whether everything is back.
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

    /// Ends recovery where it is, and returns when its thread is gone.
    func stop() async {
        state.withLock { $0.isStopped = true }
        try? await pool.shutdownGracefully()
    }

    // MARK: Requests

    /// Looks for something that recovery may bring: what is not found is looked for once more when everything is back.
    func search<Found>(
        on eventLoop: any EventLoop, _ look: () throws(APIError) -> Found
    ) async throws(APIError) -> Found {
        do throws(APIError) {
            return try searchNow(look)
        } catch {
            guard error == Self.incomplete else { throw error }
        }
        try await complete(on: eventLoop)
        return try look()
    }

    /// The same for those who cannot wait.
    func searchNow<Found>(_ look: () throws(APIError) -> Found) throws(APIError) -> Found {
        // Asked before: recovery may end meanwhile.
        let isIncomplete = isRecovering
        do throws(APIError) {
            return try look()
        } catch {
            throw isIncomplete && error.kind == .notFound ? Self.incomplete : error
        }
    }

    /// Waits for everything to be back, for what tells of all answers.
    func complete(on eventLoop: any EventLoop) async throws(APIError) {
        guard await wait(upTo: patience, on: eventLoop) else { throw Self.incomplete }
    }

    private static let incomplete = APIError(
        .unavailable, "The answers of the server before this one are still being read; ask again")
}
