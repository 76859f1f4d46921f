import Llama
import MartletGrammar
import MartletProtocol

/// The loop of the engine thread: commands in, decode, sample, events out.
///
/// It executes only: `Scheduler` decides what is computed, `KVCache` owns the cells, and `EngineCore` moves sequences
/// between the queue, the slots and their ends. Its state is used by the engine thread only.
final class EngineLoop {
    let core: EngineCore
    let mailbox: Mailbox<EngineMessage>
    private let receiver: any EngineEventReceiver
    let decodeGuard: DecodeGuard
    let progress: ThreadProgress
    private let embedder: Embedder?
    let sampling: SequenceSampling
    /// The adapters that the context applies now.
    var appliedAdapters: [AdapterScale] = []
    var batch: Batch
    /// The time without work after which the disk tier writes prefixes.
    private let idleDelay: Duration
    // Reused in every step, to avoid allocations.
    private var candidates: [Candidate] = []
    var parts: [BatchPart] = []

    init(
        loaded: OpenedModel, context: consuming Context, usesUnifiedKV: Bool, configuration: EngineConfiguration,
        mailbox: Mailbox<EngineMessage>, receiver: any EngineEventReceiver, decodeGuard: DecodeGuard,
        board: StatusBoard, progress: ThreadProgress = ThreadProgress(), embedder: Embedder? = nil,
        draftModel: DraftModel? = nil, tiers: PrefixTiers? = nil, slotFiles: SlotFiles? = nil, rowLimit: Int? = nil,
        hasDevices: Bool = false
    ) {
        self.mailbox = mailbox
        self.receiver = receiver
        self.decodeGuard = decodeGuard
        self.progress = progress
        self.embedder = embedder
        batch = Batch(capacity: context.batchSize)
        sampling = SequenceSampling(loaded: loaded, configuration: configuration.parallelSampling)
        core = EngineCore(
            loaded: loaded, context: context, usesUnifiedKV: usesUnifiedKV, configuration: configuration, board: board,
            draftModel: draftModel, tiers: tiers, slotFiles: slotFiles, rowLimit: rowLimit,
            hasDevices: hasDevices)
        idleDelay = configuration.diskCacheDelay
    }

    /// Runs steps until `stop` arrives. Then every sequence has had its terminal event.
    func run() {
        while runStep() {}
    }

    /// Runs one step: receives commands, schedules, decodes, samples and emits. Sleeps while there is nothing to do.
    ///
    /// - Returns: whether the loop continues.
    func runStep() -> Bool {
        let isIdle = core.scheduler.isIdle && embedder?.isIdle ?? true
        progress.record(isIdle ? .idle : .scheduling)
        for message in receive(isIdle: isIdle) where !handle(message) {
            flush()
            return false
        }
        core.performSlotJobs()
        if isIdle, !waitForMorePrompts() {
            flush()
            return false
        }
        progress.record(.scheduling)
        core.stepNumber += 1
        core.admit()
        // Clients learn at once that their requests were admitted, not after a long prefill.
        flush()
        core.moveIdleEntries()
        if let output = schedule() {
            fillBatch(output)
            decode()
            core.publish()
            deliver()
        }
        if let embedder, !embedder.isIdle { progress.record(.embedding) }
        embedder?.step(isDecoding: core.scheduler.freeSlotCount < core.scheduler.running.count)
        return true
    }

    /// Receives messages. An idle engine sleeps until there is one. Before, it copies the entry that the next prompt
    /// evicts into the RAM tier; meanwhile, it lets the disk tier write prefixes.
    private func receive(isIdle: Bool) -> [EngineMessage] {
        if isIdle {
            let messages = mailbox.receive(waits: false)
            guard messages.isEmpty else { return messages }
            core.copyNextVictim()
        }
        guard isIdle, core.hasUnwrittenPrefixes else { return mailbox.receive(waits: isIdle) }
        let messages = mailbox.receive(waitingFor: idleDelay)
        if messages.isEmpty {
            progress.record(.scheduling)
            core.writeOnePrefix()
        }
        return messages
    }

    /// Before a prefill of an otherwise idle engine: waits a moment for prompts that could be computed in the same
    /// decode.
    ///
    /// - Returns: whether the loop continues.
    private func waitForMorePrompts() -> Bool {
        let tokens = core.waitingTokenCount
        guard tokens > 0, !core.scheduler.planner.shape.isolatesPrompts else { return true }
        var wait = BatchingWait(for: tokens, core.scheduler.prefillBudget, at: .now)
        while core.scheduler.waiting.count < core.scheduler.running.count {
            let left = wait.left(at: .now)
            guard left > .zero else { break }
            for message in mailbox.receive(waitingFor: left) where !handle(message) { return false }
            wait.update(to: core.waitingTokenCount, at: .now)
        }
        return true
    }

    /// Applies one message.
    ///
    /// - Returns: whether the loop continues.
    private func handle(_ message: EngineMessage) -> Bool {
        switch message {
        case .submit(let request): core.submit(request)
        case .reject(let handle, let error): core.output.add(handle, .failed(error))
        case .cancelled(let handle, let submitted):
            core.output.add(handle, .finished(.cancelled(submitted: submitted), text: []))
        case .cancel(let handle):
            decodeGuard.remove(handle)
            core.end(handle, .cancelled)
        case .control(let command): core.apply(command)
        case .embed(let job): embedder?.add(job)
        case .slot(let job): core.add(job)
        case .slotRead(let job, let file): core.add(job, file)
        case .disk(let report): core.apply(report)
        case .unpin(let prefix): core.unpin(prefix)
        case .stop:
            core.writeAllPrefixes()
            core.failSlotJobs(.shuttingDown)
            embedder?.failAll(.shuttingDown)
            core.failAll(.shuttingDown)
            return false
        }
        return true
    }

    /// Asks the scheduler for the next batch, and makes the room that it needs.
    ///
    /// - Returns: `nil` if there is nothing to compute.
    private func schedule() -> SchedulerOutput? {
        var mayDraft = true
        core.releaseWaiting()
        while true {
            candidates.removeAll(keepingCapacity: true)
            for case let sequence? in core.scheduler.running {
                if let candidate = core.candidate(sequence) { candidates.append(candidate) }
            }
            if mayDraft { proposeDrafts(for: &candidates) }
            mayDraft = false
            let decision = core.scheduler.schedule(
                candidates, used: core.kvCache.usedCount, capacity: core.kvCache.capacity)
            switch decision {
            case .idle: return nil
            case .makeRoom:
                // No sequence loses its cells for a draft.
                if discardDrafts(of: candidates) { continue }
                guard let action = PoolPolicy.evictOne(core.holders) else { return nil }
                core.perform(action)
            case .compute(let output): if apply(output) { return output }
            }
        }
    }

    /// Applies the adapters of a batch, from the next decode on.
    ///
    /// - Returns: whether they could be applied; if not, the sequences of the batch have failed.
    private func apply(_ output: SchedulerOutput) -> Bool {
        guard output.adapters != appliedAdapters else { return true }
        do throws(LlamaError) {
            let adapters = output.adapters.map { (core.loaded.adapters[$0.index], $0.scale) }
            try core.kvCache.context.apply(adapters)
            appliedAdapters = output.adapters
            return true
        } catch {
            for scheduled in output.sequences {
                guard let sequence = core.scheduler.running[scheduled.slot] else { continue }
                core.fail(sequence, EngineError(.generationFailed, error.message))
            }
            return false
        }
    }

    /// Delivers the events so far before the step has ended. The status is published before the events that it
    /// explains.
    private func flush() {
        guard !core.output.isEmpty else { return }
        core.publish()
        deliver()
    }

    private func deliver() {
        if !core.output.isEmpty { receiver.receive(core.output.drain()) }
    }
}
