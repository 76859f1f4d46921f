internal import MartletObservability
internal import MartletPlatform
package import MartletProtocol
internal import NIOPosix
internal import Synchronization

/// Writes what happens to resumable generations to files, so that they outlive the server.
///
/// Whoever tells it something never waits for a disk: it is put into a list, which one thread writes a few milliseconds
/// later, together with all that came meanwhile. When the disk cannot follow, journals are given up and not readers.
///
/// Thread: every method may be called from any thread; what one caller says is written in that order.
package final class Journal: Sendable {
    package enum Durability: String, Sendable, CaseIterable {
        /// Written when a generation ends, when much was collected, and when the server is shut down.
        case none
        /// Handed to the system every few milliseconds: survives the death of the server.
        case write
        /// The same, and on the disk: survives the loss of power.
        case fsync
    }

    enum Entry: Sendable {
        case begin(GenerationHandle, JournalHead)
        case resume(GenerationHandle, id: String, JournalExtent)
        case request(GenerationHandle, JournalRequest)
        case input(GenerationHandle, GenerationInput)
        /// Counts a journal that is there.
        case retain(id: String, byteCount: Int)
        case remove(id: String)
        /// Removes a journal and its parts in `aside`, whether or not the writer knows the journal.
        case erase(id: String)
        /// Entries were thrown away.
        case overflow
        case flush(LogWaiter)
        /// What was said before of this log is written: readers may see so many of its records.
        case commit(GenerationLog, upTo: Int)
    }

    private struct Inbox {
        var entries: [Entry] = []
        /// Of them that are inputs.
        var inputCount = 0
        var isScheduled = false
        /// Whether somebody waits.
        var isUrgent = false
        var metrics = JournalMetrics()
    }

    package let folder: JournalFolder
    private let durability: Durability
    private let lock: Mutex<JournalLock?>
    private let inbox = Mutex(Inbox())
    private let writer: Mutex<JournalWriter>
    private let pool = NIOThreadPool(numberOfThreads: 1)
    private let collectTime: Duration
    private let maximumInputCount: Int
    private let clock: @Sendable () -> Int64
    private let troubled: @Sendable (String) -> Void
    /// How many generations have a journal that is written: what is told of others is not worth a lock.
    private let openCount = Atomic<Int>(0)

    /// - Parameters:
    ///   - folder: prepared.
    ///   - lock: the folder's; let go when the journal is closed.
    ///   - maximumByteCount: of all journals. The oldest that have ended go first.
    ///   - maximumOpenCount: most files that are open at once.
    ///   - collectTime: how long entries are collected before they are written.
    ///   - maximumInputCount: most inputs that wait to be written.
    ///   - clock: milliseconds since 1970.
    ///   - troubled: called on the journal's thread when durability is lost, once until all is well again.
    package init(
        folder: JournalFolder, lock: consuming JournalLock? = nil, durability: Durability = .write,
        maximumByteCount: Int = .max, maximumOpenCount: Int = 128,
        collectTime: Duration = .milliseconds(2), maximumInputCount: Int = 1 << 18,
        clock: @escaping @Sendable () -> Int64 = Journal.now, troubled: @escaping @Sendable (String) -> Void = { _ in }
    ) {
        self.folder = folder
        self.durability = durability
        self.lock = Mutex(lock)
        self.collectTime = collectTime
        self.maximumInputCount = maximumInputCount
        self.clock = clock
        self.troubled = troubled
        writer = Mutex(
            JournalWriter(
                folder: folder, durability: durability, maximumByteCount: maximumByteCount,
                maximumOpenCount: maximumOpenCount))
        pool.start()
    }

    /// Milliseconds since 1970.
    package static func now() -> Int64 { Timestamp.milliseconds() }

    package var metrics: JournalMetrics { inbox.withLock { $0.metrics } }

    // MARK: What happens

    /// A generation was admitted.
    package func begin(_ handle: GenerationHandle, _ head: JournalHead) {
        openCount.wrappingAdd(1, ordering: .relaxed)
        post(.begin(handle, head))
    }

    /// A generation of an earlier server goes on under a new handle.
    package func resume(_ handle: GenerationHandle, _ stored: StoredGeneration) {
        openCount.wrappingAdd(1, ordering: .relaxed)
        post(.resume(handle, id: stored.head.log.id, stored.extent))
    }

    /// What the engine is asked; of one choice the first counts.
    /// - Parameter handle: of its generation; `nil` = as the request has it.
    package func append(_ request: JournalRequest, of handle: GenerationHandle? = nil) {
        post(.request(handle ?? request.request.handle, request))
    }

    /// Something happened to a generation. Of one without a journal nothing is kept.
    package func append(_ input: GenerationInput, of handle: GenerationHandle) {
        guard openCount.load(ordering: .relaxed) > 0 else { return }
        post(.input(handle, input))
    }

    /// From now on readers see of a log only what is written, where a server that comes after a crash could not tell
    /// the same.
    ///
    /// To be called before readers come, with all that the log has in the journal.
    package func enableCommitIndex(of generation: Generation) {
        // Where a crash is not provided for, nobody has to wait.
        guard durability != .none else { return }
        generation.log.setCommitPolicy(generation.spec.choiceCount > 1 ? .durableOnly : .textAhead)
    }

    /// What was said so far of a generation may be shown to readers when it is written.
    package func requestCommit(of generation: Generation) {
        if let count = generation.log.consumeCommitRequest() { post(.commit(generation.log, upTo: count)) }
    }

    /// A generation that an earlier server has ended is kept.
    package func retain(_ stored: StoredGeneration) {
        post(.retain(id: stored.head.log.id, byteCount: stored.extent.byteCount))
    }

    /// A generation is to be forgotten.
    package func remove(_ id: String) { post(.remove(id: id)) }

    /// Removes a journal and its parts in `aside`. Returns when they are removed, or when the task is cancelled.
    /// - Throws: when the journal is still there.
    package func erase(_ id: String) async throws(JournalError) {
        let waiter = LogWaiter()
        post(.erase(id: id))
        post(.flush(waiter))
        await withTaskCancellationHandler {
            await waiter.value()
        } onCancel: {
            waiter.resume()
        }
        guard !folder.has(id) else { throw .stays(folder.file(of: id)) }
    }

    /// Returns when all that was said before is written, or cannot be.
    package func flush() async {
        let waiter = LogWaiter()
        post(.flush(waiter))
        await waiter.value()
    }

    /// Writes what is left and ends the thread. Nothing may be said afterwards.
    package func close() async {
        await flush()
        try? await pool.shutdownGracefully()
        lock.withLock { $0 = nil }
    }

    // MARK: The way to the thread

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
        if mustSchedule { pool.submit { _ in self.drain() } }
    }

    /// Leaves only what keeps the writer's books right: whose journals there are, and which generations ended.
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

    /// The journal's thread: writes what was collected.
    private func drain() {
        if inbox.withLock({ !$0.isUrgent }) { sleep(collectTime) }
        var metrics = JournalMetrics()
        let entries = inbox.withLock { inbox in
            defer { inbox = Inbox(metrics: inbox.metrics) }
            metrics = inbox.metrics
            return inbox.entries
        }
        var problems: [String] = []
        let writes = metrics.writes
        let closed = writer.withLock { writer in
            writer.perform(entries, at: clock(), metrics: &metrics, problems: &problems)
        }
        openCount.wrappingSubtract(closed, ordering: .relaxed)
        let wasTroubled = metrics.isTroubled
        metrics.isTroubled = !problems.isEmpty || wasTroubled && metrics.writes == writes
        inbox.withLock { $0.metrics = metrics }
        if !wasTroubled, let problem = problems.first { troubled(problem) }
        for entry in entries {
            switch entry {
            case .flush(let waiter): waiter.resume()
            case .commit(let log, let count): log.commit(upTo: count)
            default: break
            }
        }
    }

    private func sleep(_ duration: Duration) {
        let (seconds, attoseconds) = duration.components
        usleep(UInt32(clamping: seconds * 1_000_000 + attoseconds / 1_000_000_000_000))
    }
}
