package import Logging
internal import MartletProtocol
package import MartletStreams
package import NIOCore

/// The reason why a journal's request cannot be read by this build.
package struct StoredRequestError: Error, Sendable {
    package let reason: String

    /// Makes an error; `reason` is a sentence for the log.
    package init(reason: String) { self.reason = reason }
}

/// Restores the generations of earlier servers from their journals.
///
/// An ended generation can be replayed until it expires. An unfinished generation continues when the model is loaded.
///
/// Thread: a thread of its own, because journals may be large. New requests are served meanwhile. `RecoveryRun` runs the
/// steps.
package struct Recovery: Sendable {
    /// Makes the plan of a completion from its stored request, with the settings of this start. The wire formats are
    /// known only to the caller.
    package typealias MakePlan = @Sendable (StoredRequest) throws(StoredRequestError) -> CompletionPlan
    /// Makes the view of a completion from its resolved options.
    package typealias MakeView = @Sendable (StoredRequest, ResolvedOptions, ResponseHead) -> any ResponseView

    private struct Counts: Equatable {
        var retained = 0
        var continued = 0
        var expired = 0
        var setAside = 0
    }

    /// The work that remains.
    private enum Phase {
        case begin
        /// Entries among the journals that are none, which are set aside.
        case strangers(ArraySlice<FolderEntry>)
        /// Journals, the oldest first.
        case journals(ArraySlice<String>)
        case ended
    }

    private let journal: Journal
    /// The time of the beginning in milliseconds since 1970.
    private let begin: Int64
    private var phase = Phase.begin
    /// The journals of earlier servers, in no order.
    private let ids: [String]
    private let completions: CompletionService
    private let makePlan: MakePlan
    private let makeView: MakeView
    private let progress: RecoveryProgress
    private let onReading: @Sendable (String) -> Void
    private let onContinue: @Sendable (Generation) -> Void
    private let onRetain: @Sendable (Generation) -> Void
    /// The time for which ended generations are retained, in seconds.
    private let retainTime: Int64
    /// The event loop that monitors continued generations.
    private let eventLoop: any EventLoop
    private let logger: Logger
    private var counts = Counts()
    private var warningCount = 0
    private var cache = ModelCache()

    /// The time for which unreadable journals are kept aside, in seconds.
    private static let asideTime: Int64 = 7 * 24 * 3_600
    /// The largest number of log lines about single files.
    private static let maximumWarningCount = 32

    /// Makes the recovery of a server.
    ///
    /// - Parameters:
    ///   - onReading: called with the id of each journal that is read next.
    ///   - onContinue: called with each unfinished generation before it is submitted.
    ///   - onRetain: called with each ended generation that can be read again.
    package init(
        journal: Journal, ids: [String], completions: CompletionService, makePlan: @escaping MakePlan,
        makeView: @escaping MakeView, progress: RecoveryProgress, retainTime: Int64,
        onReading: @escaping @Sendable (String) -> Void,
        onContinue: @escaping @Sendable (Generation) -> Void,
        onRetain: @escaping @Sendable (Generation) -> Void = { _ in }, eventLoop: any EventLoop, logger: Logger
    ) {
        self.journal = journal
        begin = journal.clock()
        self.ids = ids
        self.completions = completions
        self.makePlan = makePlan
        self.makeView = makeView
        self.progress = progress
        self.onReading = onReading
        self.onContinue = onContinue
        self.onRetain = onRetain
        self.retainTime = retainTime
        self.eventLoop = eventLoop
        self.logger = logger
    }

    /// Runs the next step, which reads at most one journal.
    ///
    /// - Returns: whether a step remains. When `progress` is stopped, the journals that remain are left for the next
    ///   server.
    package mutating func step() -> Bool {
        switch phase {
        case .begin:
            let time = now()
            attempt { recovery throws(JournalError) in
                try recovery.journal.folder.removeAside(before: time - Self.asideTime)
            }
            phase = .strangers([])
            attempt { recovery throws(JournalError) in
                recovery.phase = .strangers(try recovery.journal.folder.unknownEntries()[...])
            }
        case .strangers(var entries):
            if let entry = entries.popFirst() {
                phase = .strangers(entries)
                attempt { recovery throws(JournalError) in try recovery.setAside(entry) }
            } else {
                // In the order in which the generations began, because a label points at the newest one.
                phase = .journals(journal.folder.inOrder(ids)[...])
            }
        case .journals(var rest):
            guard !progress.isStopped, let id = rest.popFirst() else {
                phase = .ended
                logResult()
                return false
            }
            phase = .journals(rest)
            onReading(id)
            let time = now()
            attempt { recovery throws(JournalError) in try recovery.restore(id, now: time) }
        case .ended: return false
        }
        return true
    }

    /// The time in seconds since 1970.
    private func now() -> Int64 { journal.clock() / 1_000 }

    private func logResult() {
        if warningCount > Self.maximumWarningCount {
            logger.warning(
                "more journals or entries had such problems",
                metadata: ["count": "\(warningCount - Self.maximumWarningCount)"])
        }
        guard counts != Counts() else { return }
        logger.info(
            "journals were read",
            metadata: [
                "kept": "\(counts.retained)", "continued": "\(counts.continued)", "expired": "\(counts.expired)",
                "setAside": "\(counts.setAside)", "time": "\(Duration.milliseconds(journal.clock() - begin))",
            ])
    }

    /// Runs a step. An unreadable file does not prevent the recovery of the others.
    private mutating func attempt(_ body: (inout Self) throws(JournalError) -> Void) {
        do throws(JournalError) {
            try body(&self)
        } catch {
            warn("a journal cannot be restored", ["reason": "\(error)"])
        }
    }

    private mutating func warn(_ text: Logger.Message, _ metadata: Logger.Metadata) {
        warningCount += 1
        if warningCount <= Self.maximumWarningCount { logger.warning(text, metadata: metadata) }
    }

    private mutating func restore(_ id: String, now: Int64) throws(JournalError) {
        let result: JournalReader.Result
        do throws(JournalError) {
            result = try journal.folder.read(id, syncs: journal.durability == .fsync)
        } catch {
            // A missing descriptor, for example, is not a fault of the file.
            guard error.isOfTheFile else { throw error }
            return try setAside(id, from: 0, because: error.description)
        }
        if result.needsNewerBuild { return try retain(id, result, because: result.damage) }
        let descriptions = result.generation.map { StoredDescriptions($0) }
        if let descriptions, descriptions.needsNewerBuild {
            return try retain(id, result, because: descriptions.problem)
        }
        let storedRequest = result.generation.flatMap { StoredRequest($0.head.storedRequest) }
        if let stored = result.generation, storedRequest == nil || stored.head.log.id != id {
            return try setAside(id, from: 0, because: "the request is not one of this server's")
        }
        if let damage = result.damage {
            try setAside(id, from: result.generation?.extent.byteCount ?? 0, because: damage)
        }
        guard var stored = result.generation, let storedRequest else { return }
        if let finished = stored.finished, finished + retainTime <= now {
            counts.expired += 1
            return try journal.folder.remove(id)
        }
        if result.version < JournalFormat.version, !stored.isEnded {
            guard let upgraded = try journal.folder.upgrade(id).generation else { return }
            stored = upgraded
        }
        if let problem = descriptions?.problem {
            warn(
                "a part of a journal is damaged; its response is made from the request and this start's flags",
                ["id": "\(id)", "reason": "\(problem)"])
        }
        do {
            try completions.restore(
                stored, as: try plan(stored, storedRequest, descriptions?.options), parser: descriptions?.parser,
                from: storedRequest, cache: &cache, journal: journal, on: eventLoop, onContinue: onContinue,
                onRetain: onRetain)
            if stored.isEnded { counts.retained += 1 } else { counts.continued += 1 }
        } catch let error as StoredRequestError {
            try setAside(id, from: 0, because: error.reason)
        } catch let error as GenerationError {
            try setAside(id, from: 0, because: error.message)
        } catch {
            try setAside(id, from: 0, because: "\(error)")
        }
    }

    /// The plan of a restored completion: from its resolved options, or from the request if the journal has none.
    private func plan(
        _ stored: StoredGeneration, _ request: StoredRequest, _ options: ResolvedOptions?
    ) throws(StoredRequestError) -> CompletionPlan {
        guard let options else { return try makePlan(request) }
        guard request.kind.isChat || !request.promptTexts.isEmpty else {
            throw StoredRequestError(reason: "the texts of its prompts are missing")
        }
        return CompletionPlan(
            restoring: options, of: request,
            idPrefix: String(stored.head.responseID.dropLast(stored.head.log.id.count)),
            makeView: { [makeView] in makeView(request, options, $0) },
            readAgain: { [makePlan] () throws(GenerationError) in
                do throws(StoredRequestError) {
                    return try makePlan(request)
                } catch {
                    throw GenerationError(.invalidRequest, error.reason)
                }
            })
    }

    /// Leaves the journal of a newer build in the folder until such a build starts.
    private mutating func retain(
        _ id: String, _ result: JournalReader.Result, because reason: String?
    ) throws(JournalError) {
        counts.setAside += 1
        let file = try journal.folder.setAsideForNewerBuild(id)
        warn(
            "a journal of a newer build was kept; start that build to bring its response back",
            [
                "file": "\(file)", "version": "\(result.version)", "newestVersion": "\(JournalFormat.version)",
                "reason": "\(reason ?? "")",
            ])
    }

    private mutating func setAside(_ id: String, from byteCount: Int, because reason: String) throws(JournalError) {
        counts.setAside += 1
        warn(
            "a journal, or its end, was set aside",
            ["id": "\(id)", "goodBytes": "\(byteCount)", "reason": "\(reason)"])
        try journal.folder.setAside(id, from: byteCount)
    }

    private mutating func setAside(_ entry: FolderEntry) throws(JournalError) {
        counts.setAside += 1
        warn(
            "an entry among the journals was set aside", ["name": "\(entry)", "reason": "its name is not a journal's"])
        try journal.folder.setAside(entry)
    }
}
