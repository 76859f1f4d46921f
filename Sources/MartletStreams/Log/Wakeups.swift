/// Whom to wake when the locks are released: collected over a whole step of the engine, sent once.
struct Wakeups {
    var readers: [StreamReader] = []
    var waiters: [LogWaiter] = []
    var promises: [(CommandPromise, CommandReply)] = []

    /// Wakes everybody: one `execute` per event loop, however many of its readers have something to read.
    func send() {
        for reader in readers { reader.loop.enqueue(reader) }
        for reader in readers { reader.loop.scheduleIfNeeded() }
        for waiter in waiters { waiter.resume() }
        for (promise, reply) in promises { promise.resolve(reply) }
    }
}
