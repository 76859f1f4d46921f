import Logging
import MartletFiles
import MartletStateFiles

/// The disk tier: one file per prefix, written and read by threads of its own.
///
/// The engine thread owns the index and decides; the writer's thread writes and removes files, and the reader's thread
/// reads them, so that a read never waits for a write. Both threads report through `post`, and the engine thread passes
/// their reports to `apply`. A file that is damaged is removed, and its entry with it; the prompt is then computed.
///
/// Thread: the engine thread only, except for the closures of the two threads.
final class DiskTier {
    /// A report of the writer's or the reader's thread.
    enum Report: Sendable {
        case written(StoredState, StateFileName, Result<Int, FileError>)
        case read(UInt64, StateFileName, Result<StoredState, StateFileError>)
    }

    /// The largest number of bytes that wait for the writer. A further state is not written now: it stays in the KV
    /// cache or in the RAM tier, and is offered again later.
    static let pendingByteLimit = 1 << 30

    /// The time without writes after one has failed: a full disk stays full for a while.
    static let failurePause = Duration.seconds(60)

    private enum WriterJob: Sendable {
        case write(StoredState, StateFileName)
        case remove(StateFileName)
        case touch(StateFileName)
        case stop
    }

    private enum ReaderJob: Sendable {
        case read(UInt64, StateFileName)
        case stop
    }

    private(set) var index: TierIndex<StateFileName>
    /// Entries of other models in the folder, the least recently used first. They count for the limit.
    private var foreign: [StateFolder.Entry] = []
    private var foreignByteCount = 0
    private let byteLimit: Int
    private let folder: StateFolder
    private let fingerprint: StateFingerprint
    private let logger: Logger
    private let writerJobs = Mailbox<WriterJob>()
    private let readerJobs = Mailbox<ReaderJob>()
    private var threads: [EngineThread] = []
    /// The end of the pause after a failed write.
    private var failedUntil: MonotonicTime?
    /// States that the writer has not reported yet.
    private var pending: [StateFileName: StoredState] = [:]
    private var pendingByteCount = 0
    /// Entries whose files are being read.
    private(set) var reading: Set<UInt64> = []
    private var random = SystemRandomNumberGenerator()
    private(set) var droppedCount: UInt64 = 0
    /// Entries that were removed to make room.
    private(set) var evictionCount: UInt64 = 0

    /// Opens the folder and reads the heads of its entries, without their states.
    ///
    /// - Parameter post: passes a report to the engine thread. Called by the two threads.
    /// - Throws: a folder that cannot be used.
    init(
        _ settings: DiskCacheSettings, fingerprint: StateFingerprint, kind: MemoryKind, logger: Logger,
        post: @escaping @Sendable (Report) -> Void
    ) throws(FileError) {
        folder = try StateFolder(path: settings.folder)
        self.fingerprint = fingerprint
        self.logger = logger
        byteLimit = settings.byteLimit
        index = TierIndex(kind: kind, limit: settings.byteLimit, headCount: PrefixTiers.minimumCount)
        try readIndex()
        start(post)
    }

    private func readIndex() throws(FileError) {
        let (entries, temporary) = try folder.entries()
        folder.removeAbandoned(temporary)
        for entry in entries {
            guard entry.name.fingerprintPrefix == fingerprint.prefix else {
                foreign.append(entry)
                foreignByteCount += entry.byteCount
                continue
            }
            do throws(StateFileError) {
                let head = try StateFolder.head(of: folder.path(of: entry.name), fingerprint: fingerprint)
                insert(TierIndex.Entry(head, entry.name))
            } catch {
                drop(entry.name, error)
            }
        }
        enforceLimit()
    }

    /// Starts the two threads. They hold no reference to the tier.
    private func start(_ post: @escaping @Sendable (Report) -> Void) {
        let (folder, fingerprint) = (folder, fingerprint)
        let (writerJobs, readerJobs) = (writerJobs, readerJobs)
        let writer = EngineThread {
            while true {
                for job in writerJobs.receive(waits: true) {
                    switch job {
                    case .write(let stored, let name):
                        let path = folder.path(of: name)
                        post(.written(stored, name, Self.write(stored, fingerprint, path)))
                    case .remove(let name): StateFolder.remove(folder.path(of: name))
                    case .touch(let name): StateFolder.touch(folder.path(of: name))
                    case .stop: return
                    }
                }
            }
        }
        let reader = EngineThread {
            while true {
                for job in readerJobs.receive(waits: true) {
                    guard case .read(let id, let name) = job else { return }
                    post(.read(id, name, Self.read(folder.path(of: name), fingerprint)))
                }
            }
        }
        threads = [writer, reader].compactMap { $0 }
    }

    private static func write(
        _ stored: StoredState, _ fingerprint: StateFingerprint, _ path: String
    ) -> Result<Int, FileError> {
        do throws(FileError) {
            return .success(try StateFolder.write(stored, fingerprint: fingerprint, to: path))
        } catch { return .failure(error) }
    }

    private static func read(
        _ path: String, _ fingerprint: StateFingerprint
    ) -> Result<StoredState, StateFileError> {
        do throws(StateFileError) {
            return .success(try StateFolder.state(of: path, fingerprint: fingerprint).stored)
        } catch { return .failure(error) }
    }

    // MARK: Writing

    /// Whether a prefix is in a file or on its way there.
    func contains(_ items: ArraySlice<Int32>, key: PrefixKey, isPinned: Bool) -> Bool {
        index.entry(serving: items, key: key, isPinned: isPinned) != nil
            || pending.values.contains { $0.key.prefixKey == key && $0.items[...] == items }
    }

    /// Whether a state may be offered now: the writer's queue has room, and no write has failed for a while.
    var acceptsWrites: Bool {
        threads.count == 2 && (pending.isEmpty || pendingByteCount < Self.pendingByteLimit)
            && failedUntil.map { $0 < .now } ?? true
    }

    /// The reply to an offer.
    enum Acceptance {
        case accepted
        /// The writer's queue is full, or writes fail at present.
        case busy
        /// The state can never be written: it is too large, or has media items.
        case refused
    }

    /// Lets the writer write a state.
    func write(_ stored: StoredState) -> Acceptance {
        guard stored.canBeWritten, stored.byteCount <= byteLimit / 2 else { return .refused }
        guard acceptsWrites else { return .busy }
        let name = StateFileName(fingerprint, number: random.next())
        pending[name] = stored
        pendingByteCount += stored.byteCount
        writerJobs.post(.write(stored, name))
        return .accepted
    }

    // MARK: Reading

    /// The file with the longest usable prefix of a prompt.
    func lookup(_ items: ArraySlice<Int32>, key: PrefixKey) -> TierIndex<StateFileName>.Hit? {
        index.lookup(items, key: key)
    }

    /// Lets the reader read the state of an entry. Its report follows.
    func read(_ id: UInt64) {
        guard let entry = index[id], threads.count == 2, reading.insert(id).inserted else { return }
        index.touch(id)
        writerJobs.post(.touch(entry.payload))
        readerJobs.post(.read(id, entry.payload))
    }

    /// Lets the file that has exactly these items be evicted like others, until the folder is opened again.
    func unpin(_ items: ArraySlice<Int32>, key: PrefixKey) { index.unpin(items, key: key) }

    // MARK: Reports

    /// Applies the report of a thread to the index.
    ///
    /// - Returns: the state that was read, if the report has one.
    func apply(_ report: Report) -> StoredState? {
        switch report {
        case .written(let stored, let name, let result):
            if pending.removeValue(forKey: name) != nil { pendingByteCount -= stored.byteCount }
            switch result {
            case .success(let byteCount):
                var entry = TierIndex<StateFileName>.Entry(
                    key: stored.key.prefixKey, items: stored.items, checkpoints: stored.checkpoints.map(\.itemCount),
                    firstPosition: stored.firstPosition, byteCount: byteCount, isPinned: stored.isPinned, payload: name)
                entry.byteCount = byteCount
                insert(entry)
                enforceLimit()
            case .failure(let error):
                failedUntil = .now + Self.failurePause
                logger.warning(
                    "a cached prefix cannot be written", metadata: ["folder": "\(folder.path)", "reason": "\(error)"])
            }
            return nil
        case .read(let id, let name, let result):
            reading.remove(id)
            switch result {
            case .success(let stored): return stored
            case .failure(let error):
                index.remove(id)
                drop(name, error)
                return nil
            }
        }
    }

    private func insert(_ entry: TierIndex<StateFileName>.Entry) {
        switch index.insert(entry) {
        case .present, .rejected: writerJobs.post(.remove(entry.payload))
        case .inserted(_, let removed, let evicted):
            evictionCount += UInt64(evicted)
            for old in removed { writerJobs.post(.remove(old.payload)) }
        }
    }

    /// Removes the oldest files until all files in the folder are within the limit. Files of other models go first.
    private func enforceLimit() {
        while index.byteCount + foreignByteCount > byteLimit, !foreign.isEmpty {
            let oldest = foreign.removeFirst()
            foreignByteCount -= oldest.byteCount
            writerJobs.post(.remove(oldest.name))
        }
    }

    /// Removes a file that is of no use, and logs one line about it.
    private func drop(_ name: StateFileName, _ error: StateFileError) {
        droppedCount += 1
        logger.warning(
            "a cached prefix is dropped", metadata: ["file": "\(folder.path(of: name))", "reason": "\(error)"])
        if error.isWorthless { writerJobs.post(.remove(name)) }
    }

    /// Writes what is queued, and ends the two threads. No report follows.
    func shutdown() {
        writerJobs.post(.stop)
        readerJobs.post(.stop)
        for thread in threads { thread.join() }
        threads = []
    }
}
