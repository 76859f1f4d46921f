internal import MartletProtocol

/// The state of the journal's thread: the journals that are being written, and those of ended generations.
struct JournalWriter {
    private let folder: JournalFolder
    private let durability: Journal.Durability
    private let maximumByteCount: Int
    private var open: [GenerationHandle: OpenJournal] = [:]
    /// The generations with records that are not in their file yet.
    private var dirty: Set<GenerationHandle> = []
    /// Journals of generations that have ended, oldest first.
    private var ended: [(id: String, byteCount: Int)] = []
    /// The size of all journals in bytes.
    private var totalByteCount = 0
    /// The largest number of files that are open at once.
    private let maximumOpenCount: Int
    /// An upper bound of the number of open files.
    private var openFileCount = 0
    private var lastUse: UInt64 = 0
    /// Whether files were made or removed since the folder was synced.
    private var hasNewNames = false
    /// The number of bytes that are collected without a write when durability is `none`.
    private let idleByteCount = 65_536

    init(folder: JournalFolder, durability: Journal.Durability, maximumByteCount: Int, maximumOpenCount: Int) {
        self.folder = folder
        self.durability = durability
        self.maximumByteCount = maximumByteCount
        self.maximumOpenCount = maximumOpenCount
    }

    /// Performs the entries in their order, and then writes all collected records.
    /// - Parameter problems: receives the messages of failed operations.
    /// - Returns: the number of journals that were closed.
    mutating func perform(
        _ entries: [Journal.Entry], at time: Int64, metrics: inout JournalMetrics, problems: inout [String]
    ) -> Int {
        let begun = entries.count { entry in
            switch entry {
            case .begin, .resume: true
            default: false
            }
        }
        let before = open.count
        var mustWrite = durability != .none
        var mustClose = false
        for entry in entries {
            switch entry {
            case .begin(let handle, let head):
                var extent = JournalExtent()
                extent.ends = ChoiceEnds(count: head.choiceCount)
                let journal = OpenJournal(
                    id: head.log.id, path: folder.file(of: head.log.id), handle: handle, extent: extent,
                    disk: folder.disk)
                open[handle] = journal
                hasNewNames = true
                journal.add(.head(head, at: time))
                dirty.insert(handle)
            case .resume(let handle, let id, let extent):
                open[handle] = OpenJournal(
                    id: id, path: folder.file(of: id), handle: handle, extent: extent, disk: folder.disk)
                totalByteCount += extent.byteCount
                add(.resumed(at: time), to: handle)
            case .request(let handle, let request):
                guard let journal = open[handle] else { continue }
                journal.add(request)
                dirty.insert(handle)
            case .input(let handle, .engine(let event)):
                guard let journal = open[handle] else { continue }
                journal.add(event, at: time)
                dirty.insert(handle)
                if journal.isEnded {
                    write(handle, metrics: &metrics, problems: &problems)
                    close(handle, problems: &problems)
                }
            case .input(let handle, .ping): add(.ping(at: time), to: handle)
            case .input(let handle, .handedOver): add(.handedOver(at: time), to: handle)
            case .input(let handle, .handedOverIncomplete): add(.handedOverIncomplete(at: time), to: handle)
            case .input(let handle, .command(let record)): add(.command(record), to: handle)
            case .input(let handle, .skippedNumbers(let number)): add(.skippedNumbers(to: number), to: handle)
            case .retain(let id, let byteCount):
                ended.append((id, byteCount))
                totalByteCount += byteCount
            case .remove(let id): if unlist(id) { unlink(id, problems: &problems) }
            case .erase(let id):
                _ = unlist(id)
                hasNewNames = true
                let syncs = durability == .fsync
                problem(in: &problems) { () throws(JournalError) in try folder.erase(id, syncs: syncs) }
            case .overflow:
                if !open.isEmpty { problems.append("the disk is too slow") }
                for handle in open.keys { abandon(handle, metrics: &metrics) }
            case .flush: mustWrite = true
            case .close: mustClose = true
            // Performed by the caller when all records are written.
            case .commit: break
            }
        }
        let due = dirty.filter { handle in
            mustWrite || open[handle].map { $0.pendingByteCount > idleByteCount } ?? false
        }
        // New journals first, the newest at the begin: the record of a fork command promises the generations that it
        // names, which are newer than their original.
        let new = due.filter { open[$0]?.byteCount == 0 }
        for handles in [new, due.subtracting(new)] {
            for handle in handles.sorted(by: { $0.rawValue > $1.rawValue }) {
                write(handle, metrics: &metrics, problems: &problems)
            }
            guard durability == .fsync, hasNewNames else { continue }
            // After a failure the next step tries again.
            hasNewNames = !succeeds(in: &problems) { () throws(JournalError) in try folder.syncNames() }
        }
        if mustClose { for journal in open.values { journal.closeFile() } }
        metrics.open = open.count
        metrics.fileBytes = totalByteCount
        return before + begun - open.count
    }

    private mutating func add(_ record: JournalRecord, to handle: GenerationHandle) {
        guard let journal = open[handle] else { return }
        journal.add(record)
        dirty.insert(handle)
    }

    private mutating func write(
        _ handle: GenerationHandle, metrics: inout JournalMetrics, problems: inout [String]
    ) {
        dirty.remove(handle)
        guard let journal = open[handle], !journal.isAbandoned else { return }
        let addedByteCount = journal.collected().count
        guard !journal.isTooLarge else {
            problems.append("an answer is larger than a journal may be")
            abandon(handle, metrics: &metrics)
            return
        }
        makeRoom(for: addedByteCount, problems: &problems)
        guard totalByteCount + addedByteCount <= maximumByteCount else {
            problems.append("the limit of \(maximumByteCount) bytes is reached (--journal-size)")
            abandon(handle, metrics: &metrics)
            return
        }
        let before = journal.byteCount
        if !journal.hasFile { makeRoomForFile() }
        lastUse += 1
        do throws(JournalError) {
            try journal.write(syncs: durability == .fsync, use: lastUse)
            metrics.writtenBytes += journal.byteCount - before
            metrics.writes += 1
            totalByteCount += journal.byteCount - before
        } catch {
            problems.append(error.description)
            metrics.lost += 1
        }
    }

    /// Counts a file that is about to be opened. At the limit the half of all files that was written longest ago is
    /// closed.
    private mutating func makeRoomForFile() {
        if openFileCount >= maximumOpenCount {
            let journals = open.values.filter(\.hasFile)
            openFileCount = journals.count
            if openFileCount >= maximumOpenCount {
                let excess = journals.sorted { $0.lastUse < $1.lastUse }.dropLast(maximumOpenCount / 2)
                for journal in excess { journal.closeFile() }
                openFileCount -= excess.count
            }
        }
        openFileCount += 1
    }

    private mutating func abandon(_ handle: GenerationHandle, metrics: inout JournalMetrics) {
        guard let journal = open[handle], !journal.isAbandoned else { return }
        journal.abandon()
        dirty.remove(handle)
        metrics.lost += 1
    }

    /// Writes the last records of a generation that has ended, and closes its journal.
    private mutating func close(_ handle: GenerationHandle, problems: inout [String]) {
        guard let journal = open.removeValue(forKey: handle) else { return }
        dirty.remove(handle)
        if journal.isAbandoned {
            // A later server would continue a journal without its end, although readers have seen the end.
            totalByteCount -= journal.byteCount
            unlink(journal.id, problems: &problems)
        } else {
            ended.append((journal.id, journal.byteCount))
        }
    }

    /// Removes journals of ended generations, the oldest first, until `byteCount` more bytes fit.
    private mutating func makeRoom(for byteCount: Int, problems: inout [String]) {
        var count = 0
        while totalByteCount + byteCount > maximumByteCount, count < ended.count {
            totalByteCount -= ended[count].byteCount
            unlink(ended[count].id, problems: &problems)
            count += 1
        }
        ended.removeFirst(count)
    }

    /// Removes a journal from the writer's lists, not from the disk.
    /// - Returns: whether the writer knew the journal.
    private mutating func unlist(_ id: String) -> Bool {
        if let index = ended.firstIndex(where: { $0.id == id }) {
            totalByteCount -= ended.remove(at: index).byteCount
        } else if let (handle, journal) = open.first(where: { $0.value.id == id }) {
            totalByteCount -= journal.byteCount
            journal.abandon()
            open[handle] = nil
            dirty.remove(handle)
        } else {
            return false
        }
        return true
    }

    private mutating func unlink(_ id: String, problems: inout [String]) {
        hasNewNames = true
        problem(in: &problems) { () throws(JournalError) in try folder.remove(id) }
    }

    private func problem(in problems: inout [String], _ body: () throws(JournalError) -> Void) {
        _ = succeeds(in: &problems, body)
    }

    /// Whether `body` succeeds. Otherwise its message is added to `problems`.
    private func succeeds(in problems: inout [String], _ body: () throws(JournalError) -> Void) -> Bool {
        do throws(JournalError) {
            try body()
            return true
        } catch {
            problems.append(error.description)
            return false
        }
    }
}
