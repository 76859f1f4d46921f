import MartletPlatform

/// A value that is protected by a lock.
///
/// It equals `Synchronization.Mutex`, but uses the mutex of the system. On Linux, `Mutex` leaves a contended lock to
/// the kernel, where the thread sanitizer does not see it and reports false races. Without contention the cost is the
/// same.
///
/// `@unchecked Sendable`: the value is accessed with the mutex locked only. The C object does not move.
package final class Locked<Value>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private var value: Value

    package init(_ value: sending Value) {
        self.value = value
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deallocate()
    }

    /// Runs `body` with exclusive access to the value. Must not be nested.
    package func withLock<Result, Failure>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
