import Llama
import MartletProtocol
import MartletStateFiles

/// Slot actions: the cached items of a slot are saved to a file, restored from one, or dropped.
extension EngineCore {
    /// Accepts a slot action. A file to restore is read first.
    func add(_ job: SlotJob) {
        guard scheduler.running.indices.contains(job.action.slot) else {
            let last = scheduler.running.count - 1
            return job.fail("There is no slot \(job.action.slot); this server has 0 to \(last).")
        }
        if case .restore(let path) = job.action.kind {
            guard let slotFiles else { return job.fail("Slot actions are not permitted (--slot-save-path).") }
            slotFiles.read(job, path: path)
        } else {
            slotJobs.append((job, nil))
        }
    }

    /// Accepts the file of an action that restores a slot.
    func add(_ job: SlotJob, _ file: SlotFiles.ReadFile) { slotJobs.append((job, file)) }

    /// Performs the slot actions whose slots have no running sequence. A paused sequence is swapped out first.
    func performSlotJobs() {
        guard !slotJobs.isEmpty else { return }
        slotJobs.removeAll { job, file in
            guard job.reply.isAwaited else { return true }
            guard !scheduler.isBusy(job.action.slot), kvCache.context.canSaveStates else { return false }
            if scheduler.running[job.action.slot] != nil { swapOut(job.action.slot) }
            switch job.action.kind {
            case .save(let path): save(job, to: path)
            case .restore: restore(job, file)
            case .erase: erase(job)
            }
            return true
        }
        publish()
    }

    /// Fails all slot actions: the engine stops. Files that are being written are completed.
    func failSlotJobs(_ error: EngineError) {
        for (job, _) in slotJobs { job.reply.finish(.failure(error)) }
        slotJobs = []
        slotFiles?.shutdown()
    }

    /// The retained entry of a slot that the client of an action may see.
    private func entry(for job: SlotJob) -> KVEntryID? {
        guard let entry = lastEntries[job.action.slot], kvCache[entry].use == .retained, kvCache[entry].count > 0,
            kvCache.items(of: entry).count == kvCache[entry].count,
            kvCache[entry].key.scope == job.action.cacheScope
        else { return nil }
        return entry
    }

    private func save(_ job: SlotJob, to path: String) {
        guard let slotFiles else { return job.fail("Slot actions are not permitted (--slot-save-path).") }
        guard let entry = entry(for: job) else {
            return job.fail("Slot \(job.action.slot) has no cached tokens to save.")
        }
        let begin = MonotonicTime.now
        guard let stored = kvCache.storedState(of: entry), stored.canBeWritten else {
            return job.fail("The state of slot \(job.action.slot) cannot be saved.")
        }
        slotFiles.write(stored, for: job, path: path, copyTime: .now - begin)
    }

    private func restore(_ job: SlotJob, _ file: SlotFiles.ReadFile?) {
        guard let file else { return job.fail("The file was not read.") }
        let begin = MonotonicTime.now
        do throws(EngineError) {
            let (stored, byteCount) = try file.result.get()
            guard stored.key.scope == job.action.cacheScope else {
                throw EngineError(.invalidRequest, "The file belongs to another owner.")
            }
            guard stored.items.count <= sequenceLimit else {
                throw EngineError(
                    .invalidRequest,
                    "The file has \(stored.items.count) tokens, and a slot of this server has \(sequenceLimit).")
            }
            guard let entry = entryToReplace(in: job.action.slot), restore(stored, to: entry) else {
                throw EngineError(.invalidRequest, "The state in the file cannot be restored.")
            }
            lastEntries[job.action.slot] = entry
            job.reply.finish(
                .success(
                    SlotActionResult(
                        tokenCount: stored.items.count, byteCount: byteCount,
                        duration: file.duration + (.now - begin))))
        } catch { job.reply.finish(.failure(error)) }
    }

    /// The entry that a restored state replaces: that of the slot, or else a free one.
    private func entryToReplace(in slot: Int) -> KVEntryID? {
        if let entry = lastEntries[slot], kvCache[entry].slot == nil { return entry }
        let free = kvCache.entries.filter { $0.slot == nil }
        return free.min { ($0.count > 0 ? 1 : 0, $0.lastUsed) < ($1.count > 0 ? 1 : 0, $1.lastUsed) }?.id
    }

    private func restore(_ stored: StoredState, to entry: KVEntryID) -> Bool {
        kvCache.evict(entry)
        guard makeRoom(for: stored.items.count), kvCache.restore(entry, from: stored) else { return false }
        kvCache.adopt(entry, items: stored.items, key: stored.key.prefixKey, at: stepNumber)
        return true
    }

    private func erase(_ job: SlotJob) {
        let entry = entry(for: job)
        let count = entry.map { kvCache[$0].count } ?? 0
        if let entry { kvCache.clear(entry) }
        job.reply.finish(.success(SlotActionResult(tokenCount: count)))
    }
}

extension SlotJob {
    fileprivate func fail(_ message: String) { reply.finish(.failure(EngineError(.invalidRequest, message))) }
}
