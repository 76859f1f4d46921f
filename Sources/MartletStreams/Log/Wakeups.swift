/// Readers, tasks and replies to wake when the locks are released. Collected over a whole frame and sent once.
struct Wakeups {
    var readers: [StreamReader] = []
    var waiters: [LogWaiter] = []
    var promises: [(CommandPromise, CommandReply)] = []

    /// Wakes them: one `execute` for each event loop, however many of its readers have events to read.
    ///
    /// Must not be called with a lock held: replies call functions of clients.
    func send() {
        for reader in readers { reader.loop.enqueue(reader) }
        for reader in readers { reader.loop.scheduleIfNeeded() }
        for waiter in waiters { waiter.resume() }
        for (promise, reply) in promises { promise.resolve(reply) }
    }
}
