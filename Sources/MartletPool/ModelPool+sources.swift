import Logging
import MartletGenerations
package import MartletModels
import MartletText
import Synchronization

/// The sources of models: the scan, the entries of new models, and files that cannot be loaded.
extension ModelPool {
    /// The shortest time between two scans because of damaged files.
    private static let repairScanPause: Duration = .seconds(1)

    /// Reads the sources again. Models that are gone are hidden; a loaded one serves until it is unloaded. Readers of events
    /// are informed if anything has changed.
    /// - Throws: if a source cannot be read; then nothing changes.
    package func rescan() throws(ModelSourceError) {
        let catalogue = try scan()
        for conflict in catalogue.registry.conflicts { logger.warning("\(conflict)") }
        let now = settings.now()
        let hasChanged = state.withLock { state in
            var hasChanged = false
            let wereGone = state.entries.map(\.isGone)
            state.registry = catalogue.registry
            for index in state.entries.indices { state.entries[index].isGone = true }
            for definition in catalogue.definitions {
                let registration = definition.registration(isDownloadable: downloader != nil)
                if let index = state.indexByName[ExactString(definition.model.name)] {
                    let before = state.entries[index].definition
                    if before.model != definition.model { state.entries[index].isPlanned = false }
                    hasChanged = hasChanged || !before.hasSameFacts(as: definition)
                    state.entries[index].definition = definition
                    state.entries[index].isGone = false
                    if !state.entries[index].isPlanned {
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
                state.entries[number.rawValue].isPlanned = true
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
            return (entry.definition, entry.isPlanned, state.policy.phase(of: number) == .ready)
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
