import MartletProtocol
import MartletStreams
import MartletTestSupport

/// The rules that are checked against the state of a run.
enum SimulationChecks {
    /// The number of steps between two audits of all counts.
    private static let stepsPerAudit = 64
    /// The number of steps between two looks at the labels.
    private static let stepsPerLook = 16

    /// Checks what must hold after every step. Cheap rules run at every step, the others at intervals.
    static func afterStep(_ world: SimulatedWorld) {
        guard world.scheduler.stepCount % stepsPerLook == 0, let edge = world.edge else { return }
        // A handed-over generation neither runs nor is retained.
        guard edge.phase == .serving else { return }
        checkLabels(edge, world)
        guard world.scheduler.stepCount % stepsPerAudit == 0 else { return }
        if let fault = edge.registry.audit().first { world.fail(.counts, fault) }
        checkRemoved(edge, world, after: removedTime)
    }

    /// The time in which a ready worker ends a superseded generation, in nanoseconds: each step on the way may have to
    /// wait for 40 ms.
    private static let supersededTime: UInt64 = 250_000_000

    /// A label has one running generation, apart from generations that are being cancelled.
    private static func checkLabels(_ edge: SimulatedEdge, _ world: SimulatedWorld) {
        var superseded: Set<String> = []
        for generations in edge.registry.runningByLabel.values where generations.count > 1 {
            world.reach(.labelRace)
            let newest = generations.max { $0.handle.rawValue < $1.handle.rawValue }
            for generation in generations where generation !== newest { superseded.insert(generation.spec.head.id) }
        }
        for id in Set(world.truth.labelRaces.keys).subtracting(superseded) { world.truth.labelRaces[id] = nil }
        for id in superseded.sorted() {
            let begin = world.truth.labelRaces[id] ?? world.scheduler.now
            world.truth.labelRaces[id] = begin
            guard let ready = world.worker?.readyTime, world.scheduler.now > max(begin, ready) + supersededTime else {
                continue
            }
            world.fail(
                .label,
                """
                \(id.prefix(6)) has run for \((world.scheduler.now - begin) / 1_000_000) ms beside a newer generation of \
                its label; unfinished: \(unfinished(edge)); \(world.worker?.summary ?? "no worker")
                """)
        }
    }

    /// A lookup finds nothing: a fault, unless the generation may be gone.
    static func missing(_ id: String, isByLabel: Bool, to client: String, in world: SimulatedWorld) {
        guard let record = world.truth.records[id], record.isKnown else { return }
        missing(id, record, isByLabel: isByLabel, to: client, in: world)
    }

    private static func missing(
        _ id: String, _ record: SimulationTruth.Record, isByLabel: Bool, to client: String, in world: SimulatedWorld
    ) {
        world.record(client, "finds nothing under \(id.prefix(6))")
        guard !mayBeGone(record, world), !(isByLabel && hasLostLabel(id, record, world)) else {
            if world.limits.mayEvict, !record.isDeleting, !record.mayLack, !record.isUncertain {
                world.reach(.eviction)
            }
            return
        }
        world.fail(.survival, "\(client) knows \(id.prefix(6)), and the server does not")
    }

    /// The number of bytes of a response that lie before lost events. Events behind the last durable record of a
    /// generation that was cancelled directly after a crash are lost (decision 0084).
    static func wholeBytes(_ id: String, _ owner: Owner, _ world: SimulatedWorld) -> Int {
        // Of a generation that is removed meanwhile no log is left to compare with.
        guard let log = world.edge?.registry.generation(id: id, of: owner)?.log else { return 0 }
        let contents = LogContents(log)
        guard let missing = contents.firstMissing else { return .max }
        return contents.offsets.filter { $0.key > missing }.values.min() ?? .max
    }

    /// Whether a label need not point at a generation that is still found by its id: the label has a newer generation or
    /// has had one that is removed, or the engine has refused the generation itself.
    ///
    /// A label that finds nothing is a fault otherwise: a newer generation that the engine refused leaves the label to
    /// the older one.
    private static func hasLostLabel(_ id: String, _ record: SimulationTruth.Record, _ world: SimulatedWorld) -> Bool {
        let owner = record.request.owner
        guard let label = record.request.label, let registry = world.edge?.registry,
            let own = registry.generation(id: id, of: owner)
        else { return false }
        if own.log.refusal(ofChoices: own.spec.choiceCount) != nil { return true }
        let newer = world.truth.generations(labelled: label, of: owner, after: id)
        if let found = registry.generation(labelled: label, of: owner), found !== own {
            return newer.contains { $0.id == found.spec.head.id }
        }
        // The lookup may have been before the removal.
        return newer.contains { !$0.isRefused && registry.generation(id: $0.id, of: owner) == nil }
    }

    /// A client has received the end of a plain generation. If its response is stored, the response has a file, or the
    /// disk is slow.
    static func checkStorage(of request: SimulatedRequest, for client: String, in world: SimulatedWorld) {
        guard request.isStored, let id = world.truth.ids.last(where: { world.truth.records[$0]?.request == request })
        else { return }
        guard world.truth.records[id]?.storageDeadline.map({ $0 > world.scheduler.now }) ?? true else {
            return world.reach(.storedEnd)
        }
        world.fail(.storage, "\(client) has the end of \(id.prefix(6)), whose response has no file")
    }

    /// The generations that have not ended, each with its state, for messages.
    static func unfinished(_ edge: SimulatedEdge) -> String {
        SimulatedClient.owners.flatMap { edge.registry.generations(of: $0) }
            .filter { $0.log.terminalEvent == nil }
            .map { generation in
                let (status, extent) = (edge.registry.status(of: generation), generation.log.extent)
                return "\(generation.spec.head.id.prefix(6)) \(status.state) with \(extent.count) events"
            }
            .joined(separator: ", ")
    }

    private static func mayBeGone(_ record: SimulationTruth.Record, _ world: SimulatedWorld) -> Bool {
        record.isDeleting || record.isDeleted || record.mayLack || record.isUncertain || record.wasAway
            || world.limits.mayEvict
            || world.truth.hasFaultyStart
            || !world.hasJournal && world.edgeCount > 1
    }

    /// The counts of a server that has shut down.
    static func afterShutdown(_ edge: SimulatedEdge, in world: SimulatedWorld) {
        if edge.registry.liveCount > 0 {
            world.fail(.leftovers, "\(edge.registry.liveCount) generations run after the shutdown")
        }
        let forgotten = edge.forgottenCommandCount
        if forgotten > 0 { world.fail(.reply, "\(forgotten) commands from before the handover have no reply") }
        let files = world.disk.openFileCount
        if files > 0, edge.storage != nil { world.fail(.leftovers, "\(files) files are open after the shutdown") }
        if edge.handlerCount > 0 { world.fail(.leftovers, "\(edge.handlerCount) request handlers have not ended") }
    }

    // MARK: The end of a run

    /// Checks everything that clients have seen against the logs of the last server, which is idle.
    static func atEnd(_ edge: SimulatedEdge, _ world: SimulatedWorld) {
        if let fault = edge.registry.audit(isIdle: true).first { world.fail(.leftovers, fault) }
        checkLeftovers(edge, world)
        if let fault = world.journals.fault(on: world) { world.fail(.survival, fault) }
        for id in world.truth.ids {
            guard let record = world.truth.records[id] else { continue }
            guard let generation = edge.registry.generation(id: id, of: record.request.owner) ?? record.plain else {
                if record.isKnown, !record.isAway {
                    var record = record
                    record.wasAway = false
                    missing(id, record, isByLabel: false, to: "the end", in: world)
                }
                continue
            }
            if record.isDeleted, !record.mayLack {
                world.fail(.deletion, "\(id.prefix(6)) was deleted and is still there")
            }
            if generation.log.waitingCount > 0 {
                world.fail(.leftovers, "a task, a reader or a reply waits for \(id.prefix(6)), which has ended")
            }
            check(generation, record, world)
        }
    }

    /// An idle server has no open journal, no timer but repeated ones, and no generation that was removed.
    private static func checkLeftovers(_ edge: SimulatedEdge, _ world: SimulatedWorld) {
        let files = world.disk.openFileCount
        if files > 0, edge.storage != nil { world.fail(.leftovers, "an idle server has \(files) open files") }
        let timers = world.scheduler.pendingTimerCount(on: edge.eventLoops.map(\.lane))
        // The timer wheel of an event loop has one.
        if timers > edge.eventLoops.count {
            world.fail(.leftovers, "an idle server has \(timers) timers on its event loops")
        }
        checkRemoved(edge, world, after: 0)
    }

    /// The time after which nothing but a reader holds a removed generation, in nanoseconds.
    private static let removedTime: UInt64 = 1_000_000_000

    /// A removed generation is gone from memory, once its readers and all request handlers are.
    private static func checkRemoved(_ edge: SimulatedEdge, _ world: SimulatedWorld, after time: UInt64) {
        guard edge.handlerCount == 0 else { return }
        for removed in world.truth.removed
        where removed.process == edge.number && removed.time + time <= world.scheduler.now {
            guard let generation = removed.generation, !generation.hasReaders else { continue }
            world.fail(.deletion, "\(removed.id.prefix(6)) was removed and is still in memory")
        }
    }

    /// Records the situations that a log shows.
    private static func noteSituations(
        _ contents: LogContents, _ record: SimulationTruth.Record, _ world: SimulatedWorld
    ) {
        if contents.firstMissing != nil { world.reach(.earlyEnd) }
        for (_, event) in contents.entries {
            let event = if case .choice(_, let inner) = event { inner } else { event }
            switch event {
            case .call: world.reach(.toolCall)
            case .text(.reasoning, _, _): world.reach(.reasoning)
            case .controlled(let logged): if case .reasoningEnded = logged.command { world.reach(.reasoningEnd) }
            case .handedOver: world.reach(.handover)
            case .failed(let error): if error.message.contains("another model") { world.reach(.modelChange) }
            default: break
            }
            if case .finished(let summary) = event, summary.reason == .endOfGeneration,
                record.request.form == .grammar
            {
                world.reach(.grammar)
            }
        }
    }

    /// Checks one log that has ended.
    private static func check(_ generation: Generation, _ record: SimulationTruth.Record, _ world: SimulatedWorld) {
        let id = generation.spec.head.id.prefix(6)
        let contents = LogContents(generation.log)
        let ends = contents.entries.count { $0.event.isTerminal }
        guard ends == 1, contents.isEnded else {
            return world.fail(.oneEnd, "the log of \(id) has \(ends) terminal events among \(contents.entries.count)")
        }
        let numbers = contents.entries.filter { $0.event != .ping }.map(\.number)
        if zip(numbers, numbers.dropFirst()).contains(where: { $0 >= $1 }) {
            world.fail(.everyEventOnce, "the log of \(id) uses a number twice")
        }
        // The settings of a fork are a record of its journal, which may be lost.
        let mayLackSettings = record.mayLack && record.fork != nil
        noteSituations(contents, record, world)
        if !mayLackSettings,
            let fault = TextOracle.fault(
                in: contents.entries, of: record.request, fork: record.fork, variants: world.variants)
        {
            let own = "'\(record.request.prompt)' with seed \(record.request.seed), models \(world.variants)"
            world.fail(.text, "\(id): \(fault); its request is \(own); its tokens are \(contents.tokens)")
        }
        guard !record.mayLack else { return }
        if let fault = JoinedText.fault(in: contents, seen: record) {
            world.fail(.text, "\(id): \(fault)")
        }
        checkBytes(contents, record, id, world)
        for (number, command) in record.commands {
            guard case .controlled(let logged)? = contents.event(number), logged.command == command else {
                world.fail(.command, "\(id): event \(number) was acknowledged as \(command.simulatedName)")
                continue
            }
        }
    }

    /// Compares what clients have received with the log. Events behind the last durable record of a generation that was
    /// then cancelled exist nowhere else (decision 0084).
    private static func checkBytes(
        _ contents: LogContents, _ record: SimulationTruth.Record, _ id: Substring, _ world: SimulatedWorld
    ) {
        let limit = contents.firstMissing ?? .max
        for (key, bytes) in record.parts where key.number < limit {
            let now = contents.bytes(ofEvent: key.number, part: key.part == 0 ? nil : key.part)
            guard now != bytes else { continue }
            let (old, new) = (text(bytes), now.map(text) ?? "nothing")
            world.fail(.replay, "\(id): event \(key.number) was '\(old)' and is '\(new)'")
        }
        if contents.firstMissing == nil, !contents.bytes.starts(with: record.bytes) {
            let offset = zip(contents.bytes, record.bytes).enumerated().first { $1.0 != $1.1 }?.offset
            world.fail(.replay, "\(id): byte \(offset ?? contents.bytes.count) differs from the first reading")
        }
    }

    private static func text(_ bytes: [UInt8]) -> String {
        String(decoding: bytes.filter { $0 != 0x0A }, as: UTF8.self)
    }
}
