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
    private let state: Mutex<State>
    /// Whether there are events that readers may not see yet, or will be.
    private let holdsBack = Atomic<Bool>(false)

    /// Which events readers see only when they are written down.
    ///
    /// After a crash the engine makes the same events again, as long as they follow from those before. What clients order does
    /// not, nor how the events of several choices follow each other.
    enum Caution: Sendable {
        case nothing
        /// Orders and how far a prompt was read, and what comes behind such an event until it is written.
        case orders
        case everything
    }

    /// How long a disk may keep readers waiting.
    static let patience = TimeAmount.milliseconds(250)

    fileprivate struct State {
        var storage: LogStorage
        var caution = Caution.nothing
        /// How many records readers may see; `nil` = all.
        var limit: Int?
        /// As it was when a reader began to wait for more of what is held back.
        var limitOfWaiting: Int?
        var isHandedOver = false
        /// Readers that have seen all and want to know of more.
        var armed: [StreamReader] = []
        var waiters: [LogWaiter] = []
        /// What is to be told of orders when so many records may be seen, ascending.
        var replies: [(count: Int, ticket: ControlTicket, reply: ControlReply)] = []

        func rest(after cursor: LogCursor) -> Rest {
            if cursor.position < shownCount { return .more }
            if shownCount < storage.records.count { return .nothingYet }
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
        var isShown: Bool
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

    /// What the generation failed with if that came before the engine's yes, pings aside.
    package var refusal: EngineError? {
        state.withLock { state in
            guard state.storage.details.count == 1, case .failed(let error) = state.storage.details[0] else {
                return nil
            }
            return error
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
                case .scoredText, .promptTokens: return counts
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
            var isShown = false
            let shownBefore = state.shownCount
            body { event in
                isShown = isShown || event.breaksSilence
                if state.holdBack(event) { holdsBack.store(true, ordering: .relaxed) }
                state.storage.append(event)
            }
            state.collect(&wakeups, wakesReaders: state.limit == nil || state.shownCount > shownBefore)
            let growth = Growth(
                byteCount: state.storage.byteCount, nextNumber: state.storage.end.number, isShown: isShown)
            return (growth, state.limit == nil ? nil : state.loopToWatch())
        }
        if let eventLoop { watch(on: eventLoop) }
        return growth
    }

    /// Says to all readers, as the last event of this process, that the generation goes on elsewhere.
    func handOver(to wakeups: inout Wakeups) {
        state.withLock { state in
            guard !state.storage.isEnded, !state.isHandedOver else { return }
            state.storage.append(.handedOver)
            state.isHandedOver = true
            state.limit = nil
            state.caution = .nothing
            state.collect(&wakeups)
        }
    }

    /// Copies up to `limit` entries from the cursor on into `batch` and moves the cursor behind them.
    ///
    /// When that reaches the end of a log that goes on, `reader` is armed: it is woken once when more is there.
    package func copy(
        from cursor: inout LogCursor, limit: Int, into batch: inout LogBatch, arming reader: StreamReader? = nil
    ) -> Rest {
        let (rest, mustWatch) = state.withLock { state in
            let shown = max(0, state.shownCount - cursor.position)
            state.storage.copy(from: &cursor, limit: min(limit, shown), into: &batch)
            return (state.rest(after: cursor, arming: reader), reader != nil && state.beginsWaiting())
        }
        if mustWatch, let reader { watch(on: reader.loop.eventLoop) }
        return rest
    }

    /// What is left to read behind the cursor. The reader is armed as `copy` does it.
    func rest(after cursor: LogCursor, arming reader: StreamReader?) -> Rest {
        let (rest, mustWatch) = state.withLock { state in
            (state.rest(after: cursor, arming: reader), reader != nil && state.beginsWaiting())
        }
        if mustWatch, let reader { watch(on: reader.loop.eventLoop) }
        return rest
    }

    // MARK: Readers see what is written

    /// Lets readers see certain events only when `show` says so. What is there already is written.
    func setCaution(_ caution: Caution) {
        state.withLock { state in
            state.caution = caution
            guard caution == .everything else { return }
            state.limit = state.storage.records.count
            holdsBack.store(true, ordering: .relaxed)
        }
    }

    /// How many records there are, if some of them may be held back; `nil` = all can be seen.
    var heldCount: Int? {
        guard holdsBack.load(ordering: .relaxed) else { return nil }
        return state.withLock { $0.limit == nil ? nil : $0.storage.records.count }
    }

    /// The first `count` records are written, or cannot be: readers may see them.
    func show(upTo count: Int) {
        var wakeups = Wakeups()
        state.withLock { state in
            guard let limit = state.limit, count > limit else { return }
            state.limit = count
            if state.caution != .everything, count >= state.storage.records.count {
                state.limit = nil
                holdsBack.store(false, ordering: .relaxed)
            }
            state.collect(&wakeups)
        }
        wakeups.send()
    }

    /// Tells who gave an order what became of it, when all that the log has may be seen.
    func tell(_ reply: ControlReply, to ticket: ControlTicket, _ wakeups: inout Wakeups) {
        let mustWatch = state.withLock { state in
            state.replies.append((state.storage.records.count, ticket, reply))
            state.collect(&wakeups, wakesReaders: false)
            return !state.replies.isEmpty && state.beginsWaiting()
        }
        if mustWatch { watch(on: MultiThreadedEventLoopGroup.singleton.any()) }
    }

    /// Somebody waits for what is held back: if nothing of it is written for too long, it is shown all the same.
    private func watch(on eventLoop: any EventLoop) {
        eventLoop.scheduleTask(in: Self.patience) { [weak self] in
            guard let self else { return }
            let (overdue, goesOn) = state.withLock { state -> (Int?, Bool) in
                let isOverdue = state.limit == state.limitOfWaiting
                state.limitOfWaiting = nil
                if isOverdue { return (state.storage.records.count, false) }
                return (nil, !(state.armed.isEmpty && state.replies.isEmpty) && state.beginsWaiting())
            }
            if let overdue { show(upTo: overdue) }
            if goesOn { watch(on: eventLoop) }
        }
    }

    /// Right behind event `number`; `nil` when there is none.
    func cursor(behind number: Int) -> LogCursor? {
        state.withLock { state in
            guard number >= 0, number < state.storage.end.number else { return nil }
            return state.storage.cursor(behind: number)
        }
    }

    /// Forgets a reader that will not read on.
    func disarm(_ reader: StreamReader) {
        state.withLock { $0.armed.removeAll { $0 === reader } }
    }

    /// Returns when the terminal event is there, the generation was handed over, or the task is cancelled.
    package func waitForEnd() async {
        await wait(LogWaiter(threshold: .max))
    }

    /// Returns when the terminal event is there, the generation was handed over, `timeout` has passed on `eventLoop`, or
    /// the task is cancelled.
    package func waitForEnd(upTo timeout: TimeAmount, on eventLoop: any EventLoop) async {
        await wait(LogWaiter(threshold: .max), upTo: timeout, on: eventLoop)
    }

    /// Returns when there is an event, or when `timeout` has passed on `eventLoop`.
    package func waitForFirstEvent(upTo timeout: TimeAmount, on eventLoop: any EventLoop) async {
        await wait(LogWaiter(threshold: 1), upTo: timeout, on: eventLoop)
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
        // A ping alone is no answer.
        storage.isEnded || isHandedOver || storage.end.number >= waiter.threshold
    }

    /// How many records readers may see.
    fileprivate var shownCount: Int { min(limit ?? .max, storage.records.count) }

    /// - Returns: whether readers wait from now on, with this event as the first.
    fileprivate mutating func holdBack(_ event: LogEvent) -> Bool {
        guard caution == .orders, limit == nil else { return false }
        switch event {
        case .admitted, .controlled, .promptProgress: break
        default: return false
        }
        limit = storage.records.count
        return true
    }

    /// - Returns: whether somebody has to see to it that who waits now does not wait for ever.
    fileprivate mutating func beginsWaiting() -> Bool {
        guard let limit, limit < storage.records.count, limitOfWaiting == nil else { return false }
        limitOfWaiting = limit
        return true
    }

    /// Where that has to be done for those who waited before.
    fileprivate mutating func loopToWatch() -> (any EventLoop)? {
        guard let reader = armed.first, beginsWaiting() else { return nil }
        return reader.loop.eventLoop
    }

    fileprivate mutating func collect(_ wakeups: inout Wakeups, wakesReaders: Bool = true) {
        if wakesReaders {
            wakeups.readers.append(contentsOf: armed)
            armed.removeAll(keepingCapacity: true)
        }
        if !replies.isEmpty {
            let count = shownCount
            let due = replies.prefix { $0.count <= count }
            wakeups.tickets += due.map { ($0.ticket, $0.reply) }
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
