internal import Logging
internal import MartletAPI
internal import MartletProtocol
internal import MartletStreams
internal import NIOCore

/// Brings the generations of earlier servers back.
///
/// An ended generation can be replayed until it expires. An unfinished generation goes on when the model is loaded.
///
/// Thread: a thread of its own, since journals may be large. New requests are served meanwhile.
struct Recovery: Sendable {
    private struct Counts: Equatable {
        var retained = 0
        var continued = 0
        var expired = 0
        var setAside = 0
    }

    let journal: Journal
    /// The journals of earlier servers, in no order.
    let ids: [String]
    let completions: CompletionRoutes
    let progress: RecoveryProgress
    let onReading: @Sendable (String) -> Void
    /// How long one that has ended is kept, in seconds.
    let retainTime: Int64
    /// Where what goes on is attended to.
    let eventLoop: any EventLoop
    let logger: Logger
    private var counts = Counts()
    private var warningCount = 0
    private var models = ModelCache()

    /// How long what could not be read is kept, in seconds.
    private static let asideTime: Int64 = 7 * 24 * 3_600
    /// Most lines about single files.
    private static let maximumWarningCount = 32

    init(
        journal: Journal, ids: [String], completions: CompletionRoutes, progress: RecoveryProgress, retainTime: Int64,
        onReading: @escaping @Sendable (String) -> Void, eventLoop: any EventLoop, logger: Logger
    ) {
        self.journal = journal
        self.ids = ids
        self.completions = completions
        self.progress = progress
        self.onReading = onReading
        self.retainTime = retainTime
        self.eventLoop = eventLoop
        self.logger = logger
    }

    mutating func run() {
        let now = Journal.now() / 1_000
        let begin = ContinuousClock.now
        attempt { recovery throws(JournalError) in
            try recovery.journal.folder.removeAside(before: now - Self.asideTime)
        }
        attempt { recovery throws(JournalError) in
            for entry in try recovery.journal.folder.unknownEntries() {
                recovery.attempt { recovery throws(JournalError) in try recovery.setAside(entry) }
            }
        }
        // In the order in which the generations began: a label points at the newest.
        for id in journal.folder.inOrder(ids) where !progress.isStopped {
            onReading(id)
            attempt { recovery throws(JournalError) in try recovery.restore(id, now: now) }
        }
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
                "setAside": "\(counts.setAside)", "time": "\(begin.duration(to: .now))",
            ])
    }

    /// One file that cannot be read does not keep the others from it.
    private mutating func attempt(_ body: (inout Self) throws(JournalError) -> Void) {
        do throws(JournalError) {
            try body(&self)
        } catch {
            warn("a journal cannot be brought back", ["reason": "\(error)"])
        }
    }

    private mutating func warn(_ text: Logger.Message, _ metadata: Logger.Metadata) {
        warningCount += 1
        if warningCount <= Self.maximumWarningCount { logger.warning(text, metadata: metadata) }
    }

    private mutating func restore(_ id: String, now: Int64) throws(JournalError) {
        let result: JournalReader.Result
        do throws(JournalError) {
            result = try journal.folder.read(id)
        } catch {
            // Without descriptors or memory, say, a whole journal cannot be opened either.
            guard error.isOfTheFile else { throw error }
            return try setAside(id, from: 0, because: error.description)
        }
        if result.needsNewerBuild { return try keep(id, result) }
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
        do throws(APIError) {
            try completions.restore(stored, from: storedRequest, models: &models, journal: journal, on: eventLoop)
            if stored.isEnded { counts.retained += 1 } else { counts.continued += 1 }
        } catch {
            try setAside(id, from: 0, because: error.message)
        }
    }

    /// Keeps a journal that a newer build has written until such a build starts.
    private mutating func keep(_ id: String, _ result: JournalReader.Result) throws(JournalError) {
        counts.setAside += 1
        let file = try journal.folder.setAsideForNewerBuild(id)
        warn(
            "a journal of a newer build was kept; start that build to bring its response back",
            [
                "file": "\(file)", "version": "\(result.version)", "newestVersion": "\(JournalFormat.version)",
                "reason": "\(result.damage ?? "")",
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

/// Models as earlier servers had them: what is needed of one is made once.
struct ModelCache {
    private var models: [ServedModel] = []

    mutating func model(_ information: ModelInformation, configuration: ServerConfiguration) -> ServedModel {
        if let known = models.first(where: { $0.information == information }) { return known }
        let model = ServedModel(information, configuration: configuration)
        models.append(model)
        return model
    }
}

extension CompletionRoutes {
    /// Brings one generation back.
    func restore(
        _ stored: StoredGeneration, from storedRequest: StoredRequest, models: inout ModelCache, journal: Journal,
        on eventLoop: any EventLoop
    ) throws(APIError) {
        let prompts = storedRequest.promptTexts
        switch storedRequest.kind {
        case .chat:
            try service.restore(
                stored, as: try completion(chat: storedRequest.body, prompts: prompts, seed: storedRequest.seed),
                from: storedRequest,
                models: &models, journal: journal, on: eventLoop)
        case .text:
            try service.restore(
                stored, as: try completion(text: storedRequest.body, prompts: prompts, seed: storedRequest.seed),
                from: storedRequest,
                models: &models,
                journal: journal, on: eventLoop)
        case .native:
            try service.restore(
                stored, as: try completion(native: storedRequest.body, prompts: prompts, seed: storedRequest.seed),
                from: storedRequest,
                models: &models,
                journal: journal, on: eventLoop)
        }
    }
}

extension CompletionService {
    /// After as many servers that died while it ran, a generation is not tried again.
    private static var maximumCrashes: Int { 3 }

    fileprivate func restore<View>(
        _ stored: StoredGeneration, as completion: CompletionPlan<View>, from storedRequest: StoredRequest,
        models: inout ModelCache, journal: Journal,
        on eventLoop: any EventLoop
    ) throws(APIError) {
        let head = stored.head
        let view = completion.makeView(
            ResponseHead(
                id: head.responseID, created: Int(head.log.created), model: head.log.model,
                fingerprint: storedRequest.build, warnings: completion.options.warnings,
                hasShortCallIDs: storedRequest.hasShortCallIDs, endTokens: storedRequest.endTokens))
        var parser: (any OutputParsing)?
        if let request = stored.request {
            let model = models.model(request.model, configuration: configuration)
            parser = try completion.prepared(for: model).first?.parser
        }
        let spec = head.spec(view: view)
        let restored = registry.restore(
            spec, inputs: stored.numberedInputs, parser: parser, forkContext: self.forkContext(of: spec, completion),
            isWhole: stored.isWhole, finished: stored.finished
        ) { generation in
            guard !stored.isEnded else { return journal.retain(stored) }
            journal.resume(generation.handle, stored)
            journal.enableCommitIndex(of: generation)
        }
        guard let generation = restored else { return }
        if stored.request?.request.reasoning?.turnBudget != nil { reasoningCounts.count(generation) }
        guard !stored.isEnded else { return }
        tracing.trace(generation, within: nil)
        eventLoop.execute { [registry, loops] in
            registry.monitor(generation, on: loops.loop(for: eventLoop).wheel)
        }
        guard stored.consecutiveCrashes < Self.maximumCrashes else {
            return registry.fail(
                generation.handle,
                EngineError(
                    .engineLost,
                    "The server died \(stored.consecutiveCrashes) times while it wrote this answer, so it was given up"
                ))
        }
        guard !stored.isPartlySubmitted else {
            return registry.fail(
                generation.handle,
                EngineError(.engineLost, "The server died while it began this answer; please ask again"))
        }
        guard let requests = stored.continuations(handle: generation.handle) else {
            return startWhenLoaded(completion, generation)
        }
        modelReadiness.whenResolved { [registry] result in
            // Without a model the server ends, and the next one tries again.
            guard case .success(let model) = result else { return }
            if let original = stored.request?.model, !model.information.hasTokens(of: original) {
                registry.fail(
                    generation.handle,
                    EngineError(
                        .engineLost, "The server was started again with another model: \(model.information.summary)"))
            } else {
                for request in requests { registry.resubmit(request) }
            }
        }
    }
}

extension ModelInformation {
    /// Whether it goes on where `other` was: as far as can be told, both are the same weights.
    fileprivate func hasTokens(of other: ModelInformation) -> Bool {
        (vocabularySize, vocabularyKind, parameterCount, byteCount, fileType)
            == (other.vocabularySize, other.vocabularyKind, other.parameterCount, other.byteCount, other.fileType)
    }
}
