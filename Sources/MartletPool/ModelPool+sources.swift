import Logging
import MartletGenerations
package import MartletModels
import MartletText
import Synchronization

/// The sources of models: the scan, the entries of new models, and files that cannot be loaded.
extension ModelPool {
    /// The shortest time between two scans because of damaged files.
    private static let repairScanPause: Duration = .seconds(1)
    /// The longest time in which unknown names cause no scan if no folder has changed.
    private static let nameScanPause: Duration = .seconds(1)

    /// Reads the sources again. Models that are gone are hidden; a loaded one serves until it is unloaded. Readers of events
    /// are informed if anything has changed.
    /// - Throws: if a source cannot be read; then nothing changes.
    package func rescan() throws(ModelSourceError) {
        try scanning.withLock { _ throws(ModelSourceError) in
            // Before the scan: a change during the scan is found by the next comparison.
            let stamp = stamp()
            let now = settings.now()
            state.withLock { ($0.stamp, $0.scannedAt) = (stamp, now) }
            replace(try scan(), now)
        }
    }

    /// Whether the sources may have changed since the last scan: a folder has another time, or the scan was a second ago.
    /// - Complexity: one system call for each folder.
    var maySourcesDiffer: Bool {
        let (stamp, scannedAt) = state.withLock { ($0.stamp, $0.scannedAt) }
        guard let scannedAt, settings.now() - scannedAt < Self.nameScanPause else { return true }
        return stamp.hasChangedFolder
    }

    /// Compares the sources with the last scan at intervals, and reads them again if they differ.
    func watchSources() {
        guard let interval = settings.watchInterval else { return }
        let task = Task { [weak self] in
            var lastProblem: String?
            while (try? await Task.sleep(for: interval)) != nil, let self {
                do throws(ModelSourceError) {
                    try scanIfChanged()
                    lastProblem = nil
                } catch {
                    // A folder that is gone stays gone for a while; one line says so.
                    if lastProblem != error.description { logger.warning("\(error)") }
                    lastProblem = error.description
                }
            }
        }
        state.withLock { $0.watch = task }
    }

    /// Reads the sources again if files or folders differ from the last scan.
    package func scanIfChanged() throws(ModelSourceError) {
        let last = state.withLock { $0.stamp }
        guard stamp() != last else { return }
        try rescan()
    }

    /// Replaces the models of the last scan.
    private func replace(_ catalogue: Catalogue, _ now: LifecyclePolicy.Instant) {
        for conflict in catalogue.registry.conflicts { logger.warning("\(conflict)") }
        let hasChanged = state.withLock { state in
            var hasChanged = false
            let wereGone = state.entries.map(\.isGone)
            state.registry = catalogue.registry
            for index in state.entries.indices { state.entries[index].isGone = true }
            for definition in catalogue.definitions {
                let registration = definition.registration(isDownloadable: downloader != nil)
                if let index = state.indexByName[ExactString(definition.model.name)] {
                    let before = state.entries[index].definition
                    if before.model != definition.model {
                        (state.entries[index].plan, state.entries[index].contextFit) = (nil, nil)
                    }
                    hasChanged = hasChanged || !before.hasSameFacts(as: definition)
                    state.entries[index].definition = definition
                    state.entries[index].isGone = false
                    if state.entries[index].plan == nil {
                        state.policy.update(ModelNumber(index), to: registration)
                    }
                } else {
                    let number = state.policy.register(registration, at: now)
                    state.entries.append(entry(definition, number))
                    state.indexByName[ExactString(definition.model.name)] = number.rawValue
                    state.entries[number.rawValue].published = state.policy.phase(of: number)
                    hasChanged = true
                }
            }
            return hasChanged || zip(state.entries, wereGone).contains { $0.isGone != $1 }
        }
        if hasChanged { events.append(.reloaded) }
    }

    /// Makes the entry of a new model, whose handle lives as long as the pool.
    private func entry(_ definition: ModelDefinition, _ number: ModelNumber) -> Entry {
        let engine = SwitchedEngine(modelName: definition.model.name, receiver: receiver)
        let readiness = ModelReadiness(configuration: definition.configuration, logger: logger)
        readiness.unload()
        let handle = ModelHandle(
            configuration: definition.configuration, engine: engine, readiness: readiness,
            defaults: definition.defaults
        ) { [weak self] terms in
            guard let self else { return ModelLease() }
            return lease(number, terms)
        }
        return Entry(definition: definition, handle: handle, engine: engine, published: .unloaded)
    }

    /// The reason why a model cannot be loaded, as a sentence. A loaded model has none, whatever happened to its files.
    ///
    /// Reads the heads of the files once. If the last scan found a damaged file, the sources are read again first, at most
    /// once a second: the file may be complete now.
    func problem(_ number: ModelNumber) -> String? {
        if definition(number).definition.problem != nil, beginRepairScan() { try? rescan() }
        let (definition, isPlanned, isReady) = definition(number)
        guard !isReady, definition.isOnDisk || definition.problem != nil else { return nil }
        let sentence = "The model \"\(definition.model.name)\" cannot be loaded: it "
        if let problem = definition.problem { return sentence + problem }
        guard !isPlanned else { return nil }
        do throws(ModelSourceError) {
            let needs = try definition.plan()
            state.withLock { state in
                state.policy.plan(number, needs: needs)
                state.entries[number.rawValue].plan = needs
            }
            return nil
        } catch {
            return sentence + error.description
        }
    }

    /// The definition of a model, whether its needs are computed, and whether it is loaded.
    private func definition(
        _ number: ModelNumber
    ) -> (definition: ModelDefinition, isPlanned: Bool, isReady: Bool) {
        state.withLock { state in
            let entry = state.entries[number.rawValue]
            return (entry.definition, entry.plan != nil, state.policy.phase(of: number) == .ready)
        }
    }

    /// Whether a scan because of a damaged file may begin now. Records the time of that scan.
    private func beginRepairScan() -> Bool {
        let now = settings.now()
        return state.withLock { state in
            if let last = state.repairScanAt, now - last < Self.repairScanPause { return false }
            state.repairScanAt = now
            return true
        }
    }
}

extension ModelDefinition {
    /// Whether lists show the same facts of both definitions.
    fileprivate func hasSameFacts(as other: ModelDefinition) -> Bool {
        model == other.model && problem == other.problem && summary == other.summary
    }
}
