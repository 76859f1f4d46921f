import MartletPlatform

/// A queue of messages to one thread, which can sleep until a message arrives.
///
/// `@unchecked Sendable`: all state is read and written with `mutex` locked. The C objects do not move.
final class Mailbox<Message: Sendable>: @unchecked Sendable {
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    private var messages: [Message] = []

    init() {
        mutex.initialize(to: pthread_mutex_t())
        condition.initialize(to: pthread_cond_t())
        pthread_mutex_init(mutex, nil)
        pthread_cond_init(condition, nil)
    }

    deinit {
        pthread_cond_destroy(condition)
        pthread_mutex_destroy(mutex)
        condition.deallocate()
        mutex.deallocate()
    }

    /// Appends a message and wakes the reader. Thread: any.
    func post(_ message: Message) {
        pthread_mutex_lock(mutex)
        messages.append(message)
        pthread_cond_signal(condition)
        pthread_mutex_unlock(mutex)
    }

    /// Removes and returns all messages in order, or an empty list if none arrives within `duration`.
    func receive(waitingFor duration: Duration) -> [Message] {
        var end = timespec()
        // The clock that every system supports for a wait. If it is set meanwhile, the wait is shorter or longer.
        clock_gettime(CLOCK_REALTIME, &end)
        let nanoseconds = end.tv_nsec + Int(min(duration, .seconds(3_600)) / .nanoseconds(1))
        end.tv_sec += nanoseconds / 1_000_000_000
        end.tv_nsec = nanoseconds % 1_000_000_000
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while messages.isEmpty, pthread_cond_timedwait(condition, mutex, &end) == 0 {}
        defer { messages = [] }
        return messages
    }

    /// Removes and returns all messages in order.
    ///
    /// - Parameter waits: whether to sleep until there is one.
    func receive(waits: Bool) -> [Message] {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        while waits, messages.isEmpty { pthread_cond_wait(condition, mutex) }
        guard !messages.isEmpty else { return [] }
        defer { messages = [] }
        return messages
    }
}
