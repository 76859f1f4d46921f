package import MartletProtocol
package import NIOCore
internal import Synchronization

/// The ordered events of one generation, and the only source of every byte that clients receive of it.
///
/// Events are appended at the end, and none follows the terminal event. A reader is a cursor: it copies new events, and
/// when there are none, it arms itself under the same lock and is woken once. So no event is missed, no events are
/// queued for a reader, and no reader polls.
///
/// Thread: every method may be called from any thread.
package final class GenerationLog: Sendable {
    package let head: LogHead
    let state: Mutex<State>
    /// Whether the journal has to report when the current records are durable.
    let needsCommitNotice = Atomic<Bool>(false)
    /// The event loop whose timer ends the wait of replies that no reader shares.
    let timerLoop: @Sendable () -> any EventLoop

    /// The time for which readers wait for a slow disk. Afterwards events become visible before they are durable.
    static let commitTimeout = TimeAmount.milliseconds(250)

    struct State {
        var storage: LogStorage
        var commitIndex = CommitIndex()
        /// The number of durable records when a reader began to wait for more; nil = no reader waits.
        var durableBefore: Int?
        var isHandedOver = false
        /// An earlier process may have emitted events with smaller numbers.
        var priorEventCount = 0
        /// The number of choices that the engine has admitted.
        var admittedCount = 0
        /// Readers that have copied all visible events and are to be woken by the next one.
        var armed: [StreamReader] = []
        var waiters: [LogWaiter] = []
        /// Replies to commands, each to be delivered when `count` records are visible; ascending.
        var replies: [(count: Int, promise: CommandPromise, reply: CommandReply)] = []

        func rest(after cursor: LogCursor) -> Rest {
            if cursor.position < visibleCount { return .more }
            if visibleCount < storage.records.count { return .nothingYet }
            if storage.isEnded { return .ended }
            return isHandedOver ? .handedOver : .nothingYet
        }
    }

    /// The state of a log behind a cursor.
    package enum Rest: Sendable {
        /// There are more visible events.
        case more
        /// There is no visible event yet. The given reader is armed.
        case nothingYet
        /// The cursor is behind the terminal event.
        case ended
        /// The generation was handed over: another process continues it.
        case handedOver
    }

    /// The result of an append.
    struct Growth {
        /// The size of the whole log in bytes.
        var byteCount: Int
        /// The number of the next event.
        var nextNumber: Int
        /// Whether every view shows at least one of the appended events.
        var hasOutput: Bool
    }

    /// The counts of a log at one moment.
    package struct Extent: Sendable, Equatable {
        /// The number of entries, pings included.
        package var count: Int
        /// The number of the next event.
        package var nextNumber: Int
        package var tokenCount: Int
        /// The size in bytes.
        package var byteCount: Int
        package var isEnded: Bool
    }

    /// - Parameters:
    ///   - maximumTextBytes: the maximum size of the text. A longer text ends the log with an error.
    ///   - timerLoop: chooses the event loop whose timer ends the wait of replies that no reader shares.
    package init(
        head: LogHead, maximumTextBytes: Int = Int(UInt32.max),
        timerLoop: @escaping @Sendable () -> any EventLoop = GenerationRegistry.sharedEventLoop
    ) {
        self.head = head
        self.timerLoop = timerLoop
        state = Mutex(State(storage: LogStorage(maximumTextBytes: maximumTextBytes)))
    }

    /// The current counts.
    package var extent: Extent {
        state.withLock { state in
            Extent(
                count: state.storage.records.count, nextNumber: state.storage.end.number,
                tokenCount: state.storage.tokenCount, byteCount: state.storage.byteCount,
                isEnded: state.storage.isEnded)
        }
    }

    /// The generation's error, if it failed before the engine had admitted all of its choices.
    package func refusal(ofChoices count: Int) -> EngineError? {
        state.withLock { state in
            guard state.admittedCount < count, case .failed(let error)? = state.storage.details.last else { return nil }
            return error
        }
    }

    /// Counts a choice that the engine has admitted, and wakes tasks that wait for admissions.
    func recordAdmission(_ wakeups: inout Wakeups) {
        state.withLock { state in
            state.admittedCount += 1
            state.collect(&wakeups, wakesReaders: false)
        }
    }

    /// The terminal event; nil for a running or handed-over generation.
    package var terminalEvent: LogEvent? {
        state.withLock { $0.storage.isEnded ? $0.storage.details.last : nil }
    }

    /// All events, also those that are not durable yet.
    /// - Complexity: O(events and text bytes), with the lock held.
    package var events: [LogEvent] {
        var cursor = LogCursor()
        var batch = LogBatch()
        state.withLock { $0.storage.copy(from: &cursor, limit: .max, into: &batch) }
        var events: [LogEvent] = []
        events.reserveCapacity(cursor.position)
        batch.forEach { event, _ in events.append(event) }
        return events
    }

    /// The number of prompt tokens, and of those that the KV cache held already; `nil` = not known yet.
    var promptCounts: (all: Int?, cached: Int?) {
        state.withLock { state in
            var counts: (all: Int?, cached: Int?)
            for event in state.storage.details {
                switch event {
                case .admitted(let promptTokens): counts.all = promptTokens
                case .started(let cachedTokens): counts.cached = cachedTokens
                case .detailedText, .promptTokens: return counts
                default: break
                }
            }
            return counts
        }
    }

    /// Whether the engine has assigned a sequence.
    var isStarted: Bool {
        state.withLock { state in
            state.storage.details.contains { event in
                if case .started = event { true } else { false }
            }
        }
    }

    /// Appends events and wakes the readers and tasks that wait for them. Must not be called with a lock held.
    package func append(_ events: LogEvent...) {
        var wakeups = Wakeups()
        _ = append(contentsOf: events, to: &wakeups)
        wakeups.send()
    }

    /// Appends events, and adds waiting readers and tasks to `wakeups`, which the caller sends when it holds no lock.
    ///
    /// - Complexity: O(events and bytes of text); one acquisition of the log's lock.
    func append(contentsOf events: some Collection<LogEvent>, to wakeups: inout Wakeups) -> Growth {
        let (growth, eventLoop) = state.withLock { state in
            var hasOutput = false
            let visibleBefore = state.visibleCount
            for event in events {
                hasOutput = hasOutput || event.breaksSilence
                state.add(event)
            }
            if state.commitIndex.needsCommitNotice(of: state.storage.records.count) {
                needsCommitNotice.store(true, ordering: .relaxed)
            }
            state.collect(&wakeups, wakesReaders: state.visibleCount > visibleBefore)
            let growth = Growth(
                byteCount: state.storage.byteCount, nextNumber: state.storage.end.number, hasOutput: hasOutput)
            return (growth, state.timerLoop())
        }
        if let eventLoop { startCommitTimer(on: eventLoop) }
        return growth
    }

    /// Copies up to `limit` entries from the cursor on into `batch` and moves the cursor behind them.
    ///
    /// When the cursor reaches the last visible event of a running generation, `reader` is armed: the next visible
    /// event wakes it once.
    package func copy(
        from cursor: inout LogCursor, limit: Int, into batch: inout LogBatch, arming reader: StreamReader? = nil
    ) -> Rest {
        let (rest, needsTimer) = state.withLock { state in
            let visible = max(0, state.visibleCount - cursor.position)
            state.storage.copy(from: &cursor, limit: min(limit, visible), into: &batch)
            return (state.rest(after: cursor, arming: reader), reader != nil && state.beginsWaiting())
        }
        if needsTimer, let reader { startCommitTimer(on: reader.loop.eventLoop) }
        return rest
    }

    /// The state of the log behind the cursor. The reader is armed as by `copy`.
    func rest(after cursor: LogCursor, arming reader: StreamReader?) -> Rest {
        let (rest, needsTimer) = state.withLock { state in
            (state.rest(after: cursor, arming: reader), reader != nil && state.beginsWaiting())
        }
        if needsTimer, let reader { startCommitTimer(on: reader.loop.eventLoop) }
        return rest
    }

    // MARK: Visibility

    /// Sets the rule by which events become visible. The current events count as durable.
    func setCommitPolicy(_ policy: CommitIndex.Policy) {
        state.withLock { $0.commitIndex.set(policy, count: $0.storage.records.count) }
    }

    /// The number of records whose durability the journal has to report; `nil` = no report is needed. Resets the
    /// request.
    func consumeCommitRequest() -> Int? {
        guard needsCommitNotice.exchange(false, ordering: .relaxed) else { return nil }
        return state.withLock { state in
            state.commitIndex.markRequested(for: state.storage.records.count)
            return state.storage.records.count
        }
    }

    /// Makes the first `count` records visible: they are durable, or the journal cannot write them.
    func commit(upTo count: Int) {
        var wakeups = Wakeups()
        state.withLock { state in
            if state.commitIndex.markDurable(count) { state.collect(&wakeups) }
        }
        wakeups.send()
    }

    /// Delivers the reply to a command when all current events of the log are visible.
    func deliver(_ reply: CommandReply, to promise: CommandPromise, _ wakeups: inout Wakeups) {
        let needsTimer = state.withLock { state in
            state.replies.append((state.storage.records.count, promise, reply))
            state.collect(&wakeups, wakesReaders: false)
            return !state.replies.isEmpty && state.beginsWaiting()
        }
        if needsTimer { startCommitTimer(on: timerLoop()) }
    }

    /// Makes events visible that are not durable after `commitTimeout`, if the journal made no progress in that time.
    func startCommitTimer(on eventLoop: any EventLoop) {
        eventLoop.scheduleTask(in: Self.commitTimeout) { [weak self] in
            guard let self else { return }
            let (overdue, isStillWaiting) = state.withLock { state -> (Int?, Bool) in
                let isOverdue = state.commitIndex.durableCount == state.durableBefore
                state.durableBefore = nil
                if isOverdue { return (state.storage.records.count, false) }
                return (nil, state.hasWaiting && state.beginsWaiting())
            }
            if let overdue { commit(upTo: overdue) }
            if isStillWaiting { startCommitTimer(on: eventLoop) }
        }
    }

    /// The position behind event `number`; `nil` when there is no such event.
    func cursor(behind number: Int) -> LogCursor? {
        state.withLock { state in
            guard number >= 0, number < state.storage.end.number else { return nil }
            return state.storage.cursor(behind: number)
        }
    }

    /// The position before event `number` and the pings right before it; `nil` when there is no such event.
    func cursor(before number: Int) -> LogCursor? {
        state.withLock { state in
            guard number >= 0, number < state.storage.end.number else { return nil }
            // The event before it may be a gap of skipped numbers.
            return number == 0 ? LogCursor() : state.storage.cursor(behind: number - 1) ?? state.storage.gap
        }
    }

    /// Forgets a reader that has stopped.
    func disarm(_ reader: StreamReader) {
        state.withLock { $0.armed.removeAll { $0 === reader } }
    }

    /// Returns after the terminal event, after a handover, or when the task is cancelled.
    package func waitForEnd() async {
        await wait(LogWaiter())
    }

    /// Returns after the terminal event, after a handover, when `timeout` has passed on `eventLoop`, or when the task
    /// is cancelled.
    package func waitForEnd(upTo timeout: TimeAmount, on eventLoop: any EventLoop) async {
        await wait(LogWaiter(), upTo: timeout, on: eventLoop)
    }

    /// Returns when the engine has admitted `count` choices, when the generation has ended, or when `timeout` has
    /// passed on `eventLoop`.
    /// - Returns: `false` = the timeout came first.
    package func waitForAdmission(
        ofChoices count: Int, upTo timeout: TimeAmount, on eventLoop: any EventLoop
    ) async -> Bool {
        let waiter = LogWaiter(admissions: count)
        await wait(waiter, upTo: timeout, on: eventLoop)
        return state.withLock { $0.isMet(waiter) }
    }

    private func wait(_ waiter: LogWaiter, upTo timeout: TimeAmount, on eventLoop: any EventLoop) async {
        guard !state.withLock({ $0.isMet(waiter) }) else { return }
        let timer = eventLoop.scheduleTask(in: timeout) { waiter.resume() }
        await wait(waiter)
        timer.cancel()
        state.withLock { $0.waiters.removeAll { $0 === waiter } }
    }

    func wait(_ waiter: LogWaiter) async {
        let mustWait = state.withLock { state in
            guard !state.isMet(waiter) else { return false }
            state.waiters.append(waiter)
            return true
        }
        guard mustWait else { return }
        await withTaskCancellationHandler {
            await waiter.value()
        } onCancel: {
            waiter.resume()
        }
        if Task.isCancelled { state.withLock { $0.waiters.removeAll { $0 === waiter } } }
    }
}

extension GenerationLog.State {
    /// The number of records that readers may see.
    var visibleCount: Int { commitIndex.visibleCount(of: storage.records.count) }

    var isBehind: Bool { !storage.isEnded && storage.end.number < priorEventCount }

    mutating func add(_ event: LogEvent) {
        commitIndex.add(event, at: storage.records.count)
        storage.append(event)
    }

    /// Notes that a reader or a reply waits for records to become durable.
    /// - Returns: whether the caller has to start the commit timer.
    mutating func beginsWaiting() -> Bool {
        guard visibleCount < storage.records.count, durableBefore == nil else { return false }
        durableBefore = commitIndex.durableCount
        return true
    }

    /// The event loop on which the caller has to start the commit timer for readers that are armed already.
    fileprivate mutating func timerLoop() -> (any EventLoop)? {
        guard let reader = armed.first, beginsWaiting() else { return nil }
        return reader.loop.eventLoop
    }

    /// Adds all readers, replies and tasks whose condition is met to `wakeups`.
    mutating func collect(_ wakeups: inout Wakeups, wakesReaders: Bool = true) {
        if wakesReaders {
            wakeups.readers.append(contentsOf: armed)
            armed.removeAll(keepingCapacity: true)
        }
        if !replies.isEmpty {
            let count = visibleCount
            let due = replies.prefix { $0.count <= count }
            wakeups.promises += due.map { ($0.promise, $0.reply) }
            replies.removeFirst(due.count)
        }
        guard !waiters.isEmpty else { return }
        let (met, unmet) = (waiters.filter { isMet($0) }, waiters.filter { !isMet($0) })
        wakeups.waiters.append(contentsOf: met)
        waiters = unmet
    }

    fileprivate mutating func rest(
        after cursor: LogCursor, arming reader: StreamReader?
    ) -> GenerationLog.Rest {
        let rest = rest(after: cursor)
        if case .nothingYet = rest, let reader { armed.append(reader) }
        return rest
    }
}
