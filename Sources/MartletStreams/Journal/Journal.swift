internal import MartletObservability
package import MartletProtocol
internal import Synchronization

/// Writes the inputs of resumable generations to files, so that the generations survive the end of the server.
///
/// A caller never waits for a disk: its entry is added to a list, and a step on the journal's own thread writes the list
/// a few milliseconds later. When the disk is too slow, the journal gives up durability and does not slow down readers.
///
/// Thread: every method may be called from any thread. The entries of one caller are written in the order of its calls.
package final class Journal: Sendable {
    /// The event that a journal survives.
    package enum Durability: String, Sendable, CaseIterable {
        /// Records are written when a generation ends, when 64 KiB are collected, and at shutdown: survives a shutdown.
        case none
        /// Records are passed to the system every few milliseconds: survives the death of the server.
        case write
        /// Records are synced to the disk every few milliseconds: survives the loss of power.
        case fsync
    }

    enum Entry: Sendable {
        case begin(GenerationHandle, JournalHead)
        case resume(GenerationHandle, id: String, JournalExtent)
        case request(GenerationHandle, JournalRequest)
        case input(GenerationHandle, GenerationInput)
        /// Counts a journal that exists already.
        case retain(id: String, byteCount: Int)
        case remove(id: String)
        /// Removes a journal and its parts in `aside`, whether or not the writer knows the journal.
        case erase(id: String)
        /// Entries were dropped, because too many waited.
        case overflow
        case flush(LogWaiter)
        /// Closes all files. A later record opens its file again.
        case close
        /// When all earlier entries are written, readers may see this number of the log's records.
        case commit(GenerationLog, upTo: Int)
    }

    private struct Inbox {
        var entries: [Entry] = []
        /// The number of entries that are inputs.
        var inputCount = 0
        var isScheduled = false
        /// Whether a caller waits, so that the thread must not collect further.
        var isUrgent = false
        var metrics = JournalMetrics()
    }

    package let folder: JournalFolder
    package let durability: Durability
    private let lock: Mutex<JournalLock?>
    private let inbox = Mutex(Inbox())
    /// Used by `step` only. The executor runs one step at a time, and each step happens before the next one begins, so
    /// two threads never use the writer at once. No lock is held while the disk works.
    private nonisolated(unsafe) var writer: JournalWriter
    private let executor: any StepExecutor
    private let collectTime: Duration
    private let maximumInputCount: Int
    /// The time in milliseconds since 1970.
    package let clock: @Sendable () -> Int64
    private let onFailure: @Sendable (String) -> Void
    /// The number of generations with an open journal. With none, inputs are ignored without taking the lock.
    private let openCount = Atomic<Int>(0)

    /// - Parameters:
    ///   - folder: the folder, after `prepare`.
    ///   - lock: the folder's lock; released when the journal is closed.
    ///   - maximumByteCount: the limit of all journals together. The journals of the oldest ended generations are
    ///     removed.
    ///   - maximumOpenCount: the maximum number of files that are open at once.
    ///   - collectTime: the time for which entries are collected before they are written.
    ///   - maximumInputCount: the maximum number of inputs that wait to be written.
    ///   - clock: the time in milliseconds since 1970.
    ///   - executor: runs the steps; the default is a thread of its own.
    ///   - onFailure: called on the journal's thread with a message when durability is lost; not again until a write
    ///     succeeds.
    package init(
        folder: JournalFolder, lock: consuming JournalLock? = nil, durability: Durability = .write,
        maximumByteCount: Int = .max, maximumOpenCount: Int = 128,
        collectTime: Duration = .milliseconds(2), maximumInputCount: Int = 1 << 18,
        clock: @escaping @Sendable () -> Int64 = Journal.now, executor: any StepExecutor = StepThread(),
        onFailure: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.folder = folder
        self.durability = durability
        self.lock = Mutex(lock)
        self.collectTime = collectTime
        self.maximumInputCount = maximumInputCount
        self.clock = clock
        self.onFailure = onFailure
        writer = JournalWriter(
            folder: folder, durability: durability, maximumByteCount: maximumByteCount,
            maximumOpenCount: maximumOpenCount)
        self.executor = executor
    }

    /// The time in milliseconds since 1970.
    package static func now() -> Int64 { Timestamp.milliseconds() }

    package var metrics: JournalMetrics { inbox.withLock { $0.metrics } }

    // MARK: Entries

    /// Begins the journal of a new generation.
    package func begin(_ handle: GenerationHandle, _ head: JournalHead) {
        openCount.wrappingAdd(1, ordering: .relaxed)
        post(.begin(handle, head))
    }

    /// Continues the journal of a restored generation under its new handle.
    package func resume(_ handle: GenerationHandle, _ stored: StoredGeneration) {
        openCount.wrappingAdd(1, ordering: .relaxed)
        post(.resume(handle, id: stored.head.log.id, stored.extent))
    }

    /// Adds the request that the engine receives. Only the first request of a choice is recorded.
    /// - Parameter handle: the handle of the generation; `nil` = the handle of the request.
    package func append(_ request: JournalRequest, of handle: GenerationHandle? = nil) {
        post(.request(handle ?? request.request.handle, request))
    }

    /// Adds an input of a generation. Ignored if the generation has no journal.
    package func append(_ input: GenerationInput, of handle: GenerationHandle) {
        guard openCount.load(ordering: .relaxed) > 0 else { return }
        post(.input(handle, input))
    }

    /// From now on readers see the events of a log that a later server could not reproduce only when they are written.
    ///
    /// To be called before the first reader, while the journal has all events of the log.
    package func enableCommitIndex(of generation: Generation) {
        // Without durability readers do not wait for the journal.
        guard durability != .none else { return }
        generation.log.setCommitPolicy(generation.spec.choiceCount > 1 ? .durableOnly : .textAhead)
    }

    /// Makes the current events of a generation visible to readers when they are written.
    package func requestCommit(of generation: Generation) {
        if let count = generation.log.consumeCommitRequest() { post(.commit(generation.log, upTo: count)) }
    }

    /// Counts the journal of a restored generation that has ended.
    package func retain(_ stored: StoredGeneration) {
        post(.retain(id: stored.head.log.id, byteCount: stored.extent.byteCount))
    }

    /// Removes a journal some time later.
    package func remove(_ id: String) { post(.remove(id: id)) }

    /// Removes a journal and its parts in `aside`. Returns when they are removed, or when the task is cancelled.
    /// - Throws: when the journal or a part could not be removed.
    package func erase(_ id: String) async throws(JournalError) {
        let waiter = LogWaiter()
        post(.erase(id: id))
        post(.flush(waiter))
        await withTaskCancellationHandler {
            await waiter.value()
        } onCancel: {
            waiter.resume()
        }
        if let path = folder.remainder(of: id) { throw .stays(path) }
    }

    /// Returns when all earlier entries are written or have failed.
    package func flush() async {
        let waiter = LogWaiter()
        post(.flush(waiter))
        await waiter.value()
    }

    /// Writes the remaining entries, closes the files and ends the thread. Later calls of other methods have no effect.
    package func close() async {
        post(.close)
        await flush()
        await executor.shutDown()
        lock.withLock { $0 = nil }
    }

    // MARK: The journal's thread

    private func post(_ entry: Entry) {
        let mustSchedule = inbox.withLock { inbox in
            if case .flush = entry { inbox.isUrgent = true }
            if case .input = entry {
                inbox.inputCount += 1
                if inbox.inputCount > maximumInputCount { Self.dropInputs(&inbox) }
            }
            inbox.entries.append(entry)
            defer { inbox.isScheduled = true }
            return !inbox.isScheduled
        }
        guard mustSchedule else { return }
        executor.submit(after: { self.stepDelay }) {
            self.step()
            return false
        }
    }

    /// Drops inputs, but not the entries that the writer's counts need: begun, ended and removed generations.
    private static func dropInputs(_ inbox: inout Inbox) {
        var ends: [Entry] = []
        inbox.entries.removeAll { entry in
            switch entry {
            case .input(_, let input):
                if input.isTerminal { ends.append(entry) }
                return true
            case .request, .overflow: return true
            default: return false
            }
        }
        inbox.entries.append(.overflow)
        inbox.entries += ends
        inbox.inputCount = 0
    }

    /// The time for which a step waits, so that it writes more than one entry.
    private var stepDelay: Duration { inbox.withLock { $0.isUrgent ? .zero : collectTime } }

    /// Writes the collected entries. The executor calls it once for each submission; two calls never overlap.
    private func step() {
        var metrics = JournalMetrics()
        let entries = inbox.withLock { inbox in
            defer { inbox = Inbox(metrics: inbox.metrics) }
            metrics = inbox.metrics
            return inbox.entries
        }
        var problems: [String] = []
        let writes = metrics.writes
        let closed = writer.perform(entries, at: clock(), metrics: &metrics, problems: &problems)
        openCount.wrappingSubtract(closed, ordering: .relaxed)
        let wasFailing = metrics.isFailing
        metrics.isFailing = !problems.isEmpty || wasFailing && metrics.writes == writes
        inbox.withLock { $0.metrics = metrics }
        if !wasFailing, let problem = problems.first { onFailure(problem) }
        for entry in entries {
            switch entry {
            case .flush(let waiter): waiter.resume()
            case .commit(let log, let count): log.commit(upTo: count)
            default: break
            }
        }
    }
}
