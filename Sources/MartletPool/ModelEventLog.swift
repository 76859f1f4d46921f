internal import DequeModule
package import NIOCore
internal import Synchronization

/// The changes of all models as a stream that any number of readers follow (`GET /models/sse`).
///
/// The log has the newest `limit` events. A reader that falls further behind gets a snapshot instead of the events that it
/// missed, so a slow reader costs a cursor and no memory. Thread: any.
package final class ModelEventLog: Sendable {
    /// A place in the log: the number of the next event that a reader needs.
    package struct Cursor: Sendable, Equatable {
        package var next: UInt64

        /// Makes a cursor before the event with this number.
        package init(next: UInt64) { self.next = next }
    }

    /// The result of a wait.
    package enum Batch: Sendable {
        /// Events in their order. The cursor stands behind them.
        case events([Event])
        /// The reader has missed events.
        case missed
        /// Nothing happened for the time of the wait.
        case silence
        /// The server ends.
        case closed
    }

    /// A change with its number.
    package struct Event: Sendable {
        package var number: UInt64
        package var change: ModelChange
    }

    private struct State {
        var events: Deque<Event> = []
        /// The number of the next event.
        var next: UInt64 = 1
        var waiters: [UInt64: EventLoopPromise<Bool>] = [:]
        var lastWaiter: UInt64 = 0
        var isClosed = false
    }
    /// The most events that are stored.
    private static let limit = 1_024
    private let state = Mutex(State())
    /// Tells the ids of this process from those of another one.
    package let epoch: String

    /// Receives each change; nil = none, beside the readers.
    private let observer: (@Sendable (ModelChange) -> Void)?

    /// Makes an empty log.
    /// - Parameter observer: receives each change in order, under the locks of the log and of its caller.
    package init(
        epoch: String = String(UInt32.random(in: 1 ... .max), radix: 16),
        observer: (@Sendable (ModelChange) -> Void)? = nil
    ) {
        self.epoch = epoch
        self.observer = observer
    }

    /// The cursor behind the newest event.
    package var end: Cursor { Cursor(next: state.withLock { $0.next }) }

    /// The cursor behind an event that a client names with `Last-Event-ID`; nil if the log does not have the events behind
    /// it any more, or the id is not of this process.
    package func cursor(behind id: some StringProtocol) -> Cursor? {
        // The number must have the form that `id(before:)` writes: no sign, no leading zero.
        guard let number = id.split(separator: "-").last.flatMap({ UInt64($0) }), number < .max,
            id == self.id(before: Cursor(next: number + 1))
        else { return nil }
        return state.withLock { state in
            let first = state.events.first?.number ?? state.next
            return number + 1 >= first && number < state.next ? Cursor(next: number + 1) : nil
        }
    }

    /// The id of the event before a cursor, as `id:` lines have it.
    package func id(before cursor: Cursor) -> String { "\(epoch)-\(cursor.next - 1)" }

    /// Appends an event and wakes the readers.
    package func append(_ change: ModelChange) {
        let waiters = state.withLock { state in
            observer?(change)
            state.events.append(Event(number: state.next, change: change))
            state.next += 1
            if state.events.count > Self.limit { state.events.removeFirst() }
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.succeed(true) }
    }

    /// Ends all readers, because the server ends.
    package func close() {
        let waiters = state.withLock { state in
            state.isClosed = true
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.succeed(true) }
    }

    /// Waits for the events behind a cursor, and moves the cursor behind them.
    /// - Parameter timeout: the longest wait.
    package func read(_ cursor: inout Cursor, upTo timeout: TimeAmount, on eventLoop: any EventLoop) async -> Batch {
        if let batch = readNow(&cursor) { return batch }
        let promise = eventLoop.makePromise(of: Bool.self)
        let next = cursor.next
        let waiter = state.withLock { state -> UInt64? in
            guard !state.isClosed, next == state.next else { return nil }
            state.lastWaiter += 1
            state.waiters[state.lastWaiter] = promise
            return state.lastWaiter
        }
        guard let waiter else {
            promise.succeed(true)
            return readNow(&cursor) ?? .silence
        }
        let timer = eventLoop.scheduleTask(in: timeout) { promise.succeed(false) }
        await withTaskCancellationHandler {
            _ = try? await promise.futureResult.get()
        } onCancel: {
            promise.succeed(false)
        }
        timer.cancel()
        state.withLock { $0.waiters[waiter] = nil }
        return readNow(&cursor) ?? .silence
    }

    /// The events behind a cursor; nil if there are none.
    private func readNow(_ cursor: inout Cursor) -> Batch? {
        let next = cursor.next
        let (batch, end) = state.withLock { state -> (Batch?, UInt64) in
            if state.isClosed { return (.closed, next) }
            guard next < state.next else { return (nil, next) }
            guard let first = state.events.first?.number, next >= first else { return (.missed, next) }
            return (.events(Array(state.events.dropFirst(Int(next - first)))), state.next)
        }
        cursor.next = end
        return batch
    }
}

/// A change of the models, as readers of the event log see it.
package enum ModelChange: Sendable {
    /// The state of a model changed, or its load made progress.
    case status(ModelStatus)
    case download(model: String, DownloadState)
    /// A download ended; nil = the files are complete.
    case downloadEnded(model: String, problem: String?)
    /// The files of a model were deleted.
    case removed(model: String)
    /// The sources of models were read again.
    case reloaded
}
