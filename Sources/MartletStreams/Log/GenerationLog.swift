package import MartletProtocol
package import NIOCore
internal import NIOPosix
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
    let state: Mutex<State>
    /// Whether the journal has to say when it has written what there is.
    let needsCommitNotice = Atomic<Bool>(false)

    /// How long a disk may keep readers waiting.
    static let commitTimeout = TimeAmount.milliseconds(250)

    struct State {
        var storage: LogStorage
        var commitIndex = CommitIndex()
        /// How many records were written when a reader began to wait for more of them.
        var durableBefore: Int?
        var isHandedOver = false
        /// Events with smaller numbers may have been told by an earlier process.
        var priorEventCount = 0
        /// Choices that the engine has admitted.
        var admittedCount = 0
        /// Readers that have seen all and want to know of more.
        var armed: [StreamReader] = []
        var waiters: [LogWaiter] = []
        /// What is to be told of orders when so many records may be seen, ascending.
        var replies: [(count: Int, promise: CommandPromise, reply: CommandReply)] = []

        func rest(after cursor: LogCursor) -> Rest {
            if cursor.position < visibleCount { return .more }
            if visibleCount < storage.records.count { return .nothingYet }
            if storage.isEnded { return .ended }
            return isHandedOver ? .handedOver : .nothingYet
        }
    }

    /// What is left to read after a copy.
    package enum Rest: Sendable {
        case more
        /// The reader was armed if it asked for it.
        case nothingYet
        case ended
        /// The generation goes on, but not in this process.
        case handedOver
    }

    /// What an append did.
    struct Growth {
        /// What the log takes in memory now.
        var byteCount: Int
        /// The number that the next event will have.
        var nextNumber: Int
        /// Whether every view shows something of it.
        var hasOutput: Bool
    }

    /// How far a log has come.
    package struct Extent: Sendable, Equatable {
        /// Pings included.
        package var count: Int
        /// The number that the next event will have.
        package var nextNumber: Int
        package var tokenCount: Int
        /// What it takes in memory.
        package var byteCount: Int
        package var isEnded: Bool
    }

    package init(head: LogHead, maximumTextBytes: Int = Int(UInt32.max)) {
        self.head = head
        state = Mutex(State(storage: LogStorage(maximumTextBytes: maximumTextBytes)))
    }

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

    /// The engine has admitted one more choice.
    func recordAdmission(_ wakeups: inout Wakeups) {
        state.withLock { state in
            state.admittedCount += 1
            state.collect(&wakeups, wakesReaders: false)
        }
    }

    /// What ended it, if it has ended.
    package var terminalEvent: LogEvent? {
        state.withLock { $0.storage.isEnded ? $0.storage.details.last : nil }
    }

    /// Every event so far.
    package var events: [LogEvent] {
        var cursor = LogCursor()
        var batch = LogBatch()
        state.withLock { $0.storage.copy(from: &cursor, limit: .max, into: &batch) }
        var events: [LogEvent] = []
        events.reserveCapacity(cursor.position)
        batch.forEach { event, _ in events.append(event) }
        return events
    }

    /// The prompt's tokens, and which of them were in memory already; `nil` = that is not known yet.
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

    /// Whether the engine has begun with it.
    var isStarted: Bool {
        state.withLock { state in
            state.storage.details.contains { event in
                if case .started = event { true } else { false }
            }
        }
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
    @discardableResult
    func append(to wakeups: inout Wakeups, _ body: ((LogEvent) -> Void) -> Void) -> Growth {
        let (growth, eventLoop) = state.withLock { state in
            var hasOutput = false
            let visibleBefore = state.visibleCount
            body { event in
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
    /// When that reaches the end of a log that goes on, `reader` is armed: it is woken once when more is there.
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

    /// What is left to read behind the cursor. The reader is armed as `copy` does it.
    func rest(after cursor: LogCursor, arming reader: StreamReader?) -> Rest {
        let (rest, needsTimer) = state.withLock { state in
            (state.rest(after: cursor, arming: reader), reader != nil && state.beginsWaiting())
        }
        if needsTimer, let reader { startCommitTimer(on: reader.loop.eventLoop) }
        return rest
    }

    // MARK: Readers see what is written

    /// Lets readers see certain events only when `commit` says so. What is there already is written.
    func setCommitPolicy(_ policy: CommitIndex.Policy) {
        state.withLock { $0.commitIndex.set(policy, count: $0.storage.records.count) }
    }

    /// From now on nothing of it comes back by itself.
    func requireDurability() {
        state.withLock { state in
            guard state.commitIndex.policy == .textAhead else { return }
            state.commitIndex.set(.durableOnly, count: state.storage.records.count)
        }
    }

    /// Of how many records the journal is to say that they are written; `nil` = nobody waits for that. Asked once.
    func consumeCommitRequest() -> Int? {
        guard needsCommitNotice.exchange(false, ordering: .relaxed) else { return nil }
        return state.withLock { state in
            state.commitIndex.markRequested(for: state.storage.records.count)
            return state.storage.records.count
        }
    }

    /// The first `count` records are written, or cannot be: readers may see them.
    func commit(upTo count: Int) {
        var wakeups = Wakeups()
        state.withLock { state in
            if state.commitIndex.markDurable(count) { state.collect(&wakeups) }
        }
        wakeups.send()
    }

    /// Tells who gave an order what became of it, when all that the log has may be seen.
    func deliver(_ reply: CommandReply, to promise: CommandPromise, _ wakeups: inout Wakeups) {
        let needsTimer = state.withLock { state in
            state.replies.append((state.storage.records.count, promise, reply))
            state.collect(&wakeups, wakesReaders: false)
            return !state.replies.isEmpty && state.beginsWaiting()
        }
        if needsTimer { startCommitTimer(on: MultiThreadedEventLoopGroup.singleton.any()) }
    }

    /// Somebody waits for what is held back: if nothing of it is written for too long, it is shown all the same.
    private func startCommitTimer(on eventLoop: any EventLoop) {
        eventLoop.scheduleTask(in: Self.commitTimeout) { [weak self] in
            guard let self else { return }
            let (overdue, isStillWaiting) = state.withLock { state -> (Int?, Bool) in
                let isOverdue = state.commitIndex.durableCount == state.durableBefore
                state.durableBefore = nil
                if isOverdue { return (state.storage.records.count, false) }
                return (nil, !(state.armed.isEmpty && state.replies.isEmpty) && state.beginsWaiting())
            }
            if let overdue { commit(upTo: overdue) }
            if isStillWaiting { startCommitTimer(on: eventLoop) }
        }
    }

    /// Right behind event `number`; `nil` when there is none.
    func cursor(behind number: Int) -> LogCursor? {
        state.withLock { state in
            guard number >= 0, number < state.storage.end.number else { return nil }
            return state.storage.cursor(behind: number)
        }
    }

    /// Right before event `number`, but for pings; `nil` when there is none.
    func cursor(before number: Int) -> LogCursor? {
        state.withLock { state in
            guard number >= 0, number < state.storage.end.number else { return nil }
            // Behind numbers that were left out.
            return number == 0 ? LogCursor() : state.storage.cursor(behind: number - 1) ?? state.storage.leap
        }
    }

    /// Forgets a reader that will not read on.
    func disarm(_ reader: StreamReader) {
        state.withLock { $0.armed.removeAll { $0 === reader } }
    }

    /// Returns when the terminal event is there, the generation was handed over, or the task is cancelled.
    package func waitForEnd() async {
        await wait(LogWaiter())
    }

    /// Returns when the terminal event is there, the generation was handed over, `timeout` has passed on `eventLoop`,
    /// or the task is cancelled.
    package func waitForEnd(upTo timeout: TimeAmount, on eventLoop: any EventLoop) async {
        await wait(LogWaiter(), upTo: timeout, on: eventLoop)
    }

    /// Returns when the engine has admitted so many choices or the generation has ended, or when `timeout` has passed
    /// on `eventLoop`.
    /// - Returns: whether it is one of the first two.
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

    private func wait(_ waiter: LogWaiter) async {
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
    fileprivate func isMet(_ waiter: LogWaiter) -> Bool {
        storage.isEnded || isHandedOver || waiter.admissions.map { admittedCount >= $0 } ?? false
    }

    /// How many records readers may see.
    fileprivate var visibleCount: Int { commitIndex.visibleCount(of: storage.records.count) }

    var isBehind: Bool { !storage.isEnded && storage.end.number < priorEventCount }

    mutating func add(_ event: LogEvent) {
        commitIndex.add(event, at: storage.records.count)
        storage.append(event)
    }

    /// - Returns: whether somebody has to see to it that who waits now does not wait for ever.
    fileprivate mutating func beginsWaiting() -> Bool {
        guard visibleCount < storage.records.count, durableBefore == nil else { return false }
        durableBefore = commitIndex.durableCount
        return true
    }

    /// Where that has to be done for those who waited before.
    fileprivate mutating func timerLoop() -> (any EventLoop)? {
        guard let reader = armed.first, beginsWaiting() else { return nil }
        return reader.loop.eventLoop
    }

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
