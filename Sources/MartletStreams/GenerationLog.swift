internal import MartletProtocol
package import NIOCore
internal import Synchronization

/// Everything that happened to one generation, and the only source of what any client sees of it.
///
/// Events are only ever added at the end, and none after the terminal one. A reader is a cursor: it copies what is new,
/// and when nothing is, it arms itself under the same lock and is woken once. So no event is missed, none is queued
/// per reader, and nobody polls.
///
/// Thread: every method may be called from any thread.
package final class GenerationLog: Sendable {
    package let head: LogHead
    private let state: Mutex<State>

    private struct State {
        var storage: LogStorage
        /// Readers that have seen all and want to know of more.
        var armed: [StreamReader] = []
        var waiters: [LogWaiter] = []
    }

    /// What is left to read after a copy.
    package enum Rest: Sendable {
        case more
        /// The reader was armed if it asked for it.
        case nothingYet
        case ended
    }

    package init(head: LogHead, maximumTextBytes: Int = Int(UInt32.max)) {
        self.head = head
        state = Mutex(State(storage: LogStorage(maximumTextBytes: maximumTextBytes)))
    }

    /// How many events there are, and whether the last one is terminal.
    package var extent: (count: Int, isEnded: Bool) {
        state.withLock { ($0.storage.records.count, $0.storage.isEnded) }
    }

    /// What happened first, if anything has.
    package var firstEvent: LogEvent? {
        var cursor = LogCursor()
        var batch = LogBatch()
        _ = copy(from: &cursor, limit: 1, into: &batch)
        var event: LogEvent?
        batch.forEach { first, _ in event = first }
        return event
    }

    /// What ended it, if it has ended.
    package var terminalEvent: LogEvent? {
        state.withLock { $0.storage.isEnded ? $0.storage.details.last : nil }
    }

    /// Every event so far.
    package var events: [LogEvent] {
        var cursor = LogCursor()
        var batch = LogBatch()
        _ = copy(from: &cursor, limit: .max, into: &batch)
        var events: [LogEvent] = []
        events.reserveCapacity(cursor.number)
        batch.forEach { event, _ in events.append(event) }
        return events
    }

    /// Adds events and wakes whoever waits for them.
    package func append(_ events: LogEvent...) {
        var wakeups = Wakeups()
        append(to: &wakeups) { add in
            for event in events { add(event) }
        }
        wakeups.send()
    }

    /// Adds the events that `body` hands to its argument, and puts whoever waits for them into `wakeups`.
    func append(to wakeups: inout Wakeups, _ body: ((LogEvent) -> Void) -> Void) {
        state.withLock { state in
            body { state.storage.append($0) }
            wakeups.readers.append(contentsOf: state.armed)
            state.armed.removeAll(keepingCapacity: true)
            guard !state.waiters.isEmpty else { return }
            let count = state.storage.isEnded ? Int.max : state.storage.records.count
            wakeups.waiters.append(contentsOf: state.waiters.filter { $0.threshold <= count })
            state.waiters.removeAll { $0.threshold <= count }
        }
    }

    /// Copies up to `limit` events from the cursor on into `batch` and moves the cursor behind them.
    ///
    /// When that reaches the end of a log that goes on, `reader` is armed: it is woken once when more is there.
    package func copy(
        from cursor: inout LogCursor, limit: Int, into batch: inout LogBatch, arming reader: StreamReader? = nil
    ) -> Rest {
        state.withLock { state in
            state.storage.copy(from: &cursor, limit: limit, into: &batch)
            if cursor.number < state.storage.records.count { return .more }
            if state.storage.isEnded { return .ended }
            if let reader { state.armed.append(reader) }
            return .nothingYet
        }
    }

    /// Forgets a reader that will not read on.
    func disarm(_ reader: StreamReader) {
        state.withLock { $0.armed.removeAll { $0 === reader } }
    }

    /// Returns when the terminal event is there.
    package func waitForEnd() async {
        await wait(LogWaiter(threshold: .max))
    }

    /// Returns when there is an event, or when `timeout` has passed on `eventLoop`.
    package func waitForFirstEvent(upTo timeout: TimeAmount, on eventLoop: any EventLoop) async {
        guard extent.count == 0 else { return }
        let waiter = LogWaiter(threshold: 1)
        let timer = eventLoop.scheduleTask(in: timeout) { waiter.resume() }
        await wait(waiter)
        timer.cancel()
        state.withLock { $0.waiters.removeAll { $0 === waiter } }
    }

    private func wait(_ waiter: LogWaiter) async {
        let mustWait = state.withLock { state in
            guard !state.storage.isEnded, state.storage.records.count < waiter.threshold else { return false }
            state.waiters.append(waiter)
            return true
        }
        if mustWait { await waiter.value() }
    }
}
