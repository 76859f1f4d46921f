package import NIOCore
internal import Synchronization

/// All stream readers of one event loop. They are woken together and share one scratch buffer and one timer wheel.
///
/// Only a limited number of readers reads without a pause. An event loop polls its sockets only when all tasks that
/// were executed on it are done, so thousands of readers at once would delay every other connection.
///
/// `@unchecked Sendable`: everything but `pending` and the constants is touched on `eventLoop` only, which every
/// method that does so asserts; `pending` is behind a lock.
package final class ReaderLoop: @unchecked Sendable {
    package let eventLoop: any EventLoop
    /// The timers for pings and for generations without readers.
    package let wheel: TimerWheel

    private struct Pending {
        var readers: [StreamReader] = []
        var isScheduled = false
        var wakeCount = 0
    }
    private let pending = Mutex(Pending())

    /// The maximum number of readers that read before the sockets are polled again: less than 0.5 ms of work.
    private static let maximumReadersPerTick = 16
    /// The pause before the remaining readers continue. Not zero: the loop polls its sockets only when it has no task.
    private static let yieldDelay = TimeAmount.microseconds(50)
    /// The woken readers. The readers before `next` have read.
    private var woken: [StreamReader] = []
    private var next = 0

    private var open: [ObjectIdentifier: StreamReader] = [:]
    var batch = LogBatch()
    var bytes: [UInt8] = []

    package init(eventLoop: any EventLoop) {
        self.eventLoop = eventLoop
        wheel = TimerWheel(eventLoop: eventLoop)
    }

    /// The number of attached readers.
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

    /// The number of times the event loop was woken for readers.
    package var wakeCount: Int { pending.withLock { $0.wakeCount } }

    /// Adds a reader to the next round. The caller calls `scheduleIfNeeded` afterwards.
    func enqueue(_ reader: StreamReader) {
        pending.withLock { $0.readers.append(reader) }
    }

    /// Wakes the event loop if readers are pending and it is not woken yet.
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
