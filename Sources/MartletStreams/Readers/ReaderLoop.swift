package import NIOCore
internal import Synchronization

/// All stream readers of one event loop: woken together, encoding into one scratch buffer, and one wheel of timers.
///
/// A crowd is let read some at a time: an event loop looks at its sockets again only when everything that was executed
/// on it is done, so that thousands of readers at once would hold up every other connection.
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

    /// Most readers that read without a look at the sockets in between: less than half a millisecond's work.
    private static let maximumReadersPerTick = 16
    /// Until the rest goes on. Not zero: the loop has to find nothing to do for a moment.
    private static let yieldDelay = TimeAmount.microseconds(50)
    /// Who was woken, of whom those before `next` have read.
    private var woken: [StreamReader] = []
    private var next = 0

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
        if next == woken.count {
            next = 0
            pending.withLock { pending in
                woken.removeAll(keepingCapacity: true)
                swap(&woken, &pending.readers)
            }
        }
        let end = min(next + Self.maximumReadersPerTick, woken.count)
        while next < end {
            let reader = woken[next]
            next += 1
            reader.wake()
        }
        let isMore = pending.withLock { pending in
            pending.isScheduled = next < woken.count || !pending.readers.isEmpty
            return pending.isScheduled
        }
        if isMore {
            eventLoop.scheduleTask(in: Self.yieldDelay) { self.runPending() }
        } else {
            woken.removeAll(keepingCapacity: true)
            next = 0
        }
    }
}
