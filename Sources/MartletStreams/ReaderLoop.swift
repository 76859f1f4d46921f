package import NIOCore
internal import Synchronization

/// All stream readers of one event loop: woken together, encoding into one scratch buffer, and one wheel of timers.
///
/// `@unchecked Sendable`: everything but `pending` and the constants is touched on `eventLoop` only, which every
/// method that does so asserts; `pending` is behind a lock.
package final class ReaderLoop: @unchecked Sendable {
    package let eventLoop: any EventLoop
    /// For what has to happen to generations while nothing else does.
    package let wheel: TimerWheel

    private struct Pending {
        var readers: [StreamReader] = []
        var isScheduled = false
        var wakeCount = 0
    }
    private let pending = Mutex(Pending())

    private var open: [ObjectIdentifier: StreamReader] = [:]
    var batch = LogBatch()
    var bytes: [UInt8] = []

    package init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        wheel = TimerWheel(eventLoop: eventLoop)
    }

    /// How many readers are attached.
    package var openCount: Int {
        eventLoop.assertInEventLoop()
        return open.count
    }

    func add(_ reader: StreamReader) {
        eventLoop.assertInEventLoop()
        open[ObjectIdentifier(reader)] = reader
    }

    func remove(_ reader: StreamReader) {
        eventLoop.assertInEventLoop()
        open[ObjectIdentifier(reader)] = nil
    }

    // MARK: Waking, from any thread

    /// How often the event loop was woken to let readers read.
    package var wakeCount: Int { pending.withLock { $0.wakeCount } }

    func enqueue(_ reader: StreamReader) {
        pending.withLock { $0.readers.append(reader) }
    }

    func scheduleIfNeeded() {
        let isFirst = pending.withLock { pending in
            guard !pending.isScheduled, !pending.readers.isEmpty else { return false }
            pending.isScheduled = true
            pending.wakeCount += 1
            return true
        }
        if isFirst { eventLoop.execute { self.runPending() } }
    }

    private func runPending() {
        eventLoop.assertInEventLoop()
        let readers = pending.withLock { pending in
            pending.isScheduled = false
            defer { pending.readers = [] }
            return pending.readers
        }
        for reader in readers { reader.wake() }
    }
}
