package import NIOCore
internal import Synchronization

/// All stream readers of one event loop: woken together, pinged by one timer, encoding into one scratch buffer.
///
/// `@unchecked Sendable`: everything but `pending` and the constants is touched on `eventLoop` only, which every
/// method that does so asserts; `pending` is behind a lock.
package final class ReaderLoop: @unchecked Sendable {
    package let eventLoop: any EventLoop

    private struct Pending {
        var readers: [StreamReader] = []
        var isScheduled = false
        var wakeCount = 0
    }
    private let pending = Mutex(Pending())

    /// How close together pings of different readers may be: bounds the work when there are very many readers.
    private static let pingSpacing = TimeAmount.milliseconds(50)
    private var open: [ObjectIdentifier: StreamReader] = [:]
    private var pingTimer: Scheduled<Void>?
    private var pingTimerDeadline = NIODeadline.distantFuture
    var batch = LogBatch()
    var bytes: [UInt8] = []

    package init(eventLoop: any EventLoop) { self.eventLoop = eventLoop }

    /// How many readers are attached.
    package var openCount: Int {
        eventLoop.assertInEventLoop()
        return open.count
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

    // MARK: Pings, on the event loop

    func add(_ reader: StreamReader) {
        eventLoop.assertInEventLoop()
        open[ObjectIdentifier(reader)] = reader
        if let deadline = reader.pingDeadline { schedulePings(at: deadline) }
    }

    func remove(_ reader: StreamReader) {
        eventLoop.assertInEventLoop()
        open[ObjectIdentifier(reader)] = nil
        if open.isEmpty { stopPings() }
    }

    /// Makes sure that the timer fires at `deadline` or before. Readers that wrote meanwhile are left alone then.
    private func schedulePings(at deadline: NIODeadline) {
        guard deadline < pingTimerDeadline else { return }
        pingTimer?.cancel()
        pingTimerDeadline = deadline
        pingTimer = eventLoop.scheduleTask(deadline: deadline) { self.sendPings() }
    }

    private func stopPings() {
        pingTimer?.cancel()
        pingTimer = nil
        pingTimerDeadline = .distantFuture
    }

    private func sendPings() {
        stopPings()
        let now = eventLoop.now
        for reader in open.values { reader.ping(now: now) }
        guard let next = open.values.compactMap(\.pingDeadline).min() else { return }
        schedulePings(at: max(next, now + Self.pingSpacing))
    }
}
