extension LifecyclePolicy {
    /// The consequences of a load, without the load.
    package struct Preview: Sendable, Equatable {
        /// The planned or learned memory of the model.
        package var needs: MemoryAmount
        /// The memory that remains beside the models that are loaded now.
        package var free: MemoryAmount
        /// The memory that remains if all other models that are not pinned are gone.
        package var room: MemoryAmount
        /// The reason why the model could not be loaded even if all other models that are not pinned were gone; `nil` =
        /// it could, or it is loaded.
        package var refusal: LifecycleRefusal?
        /// Whether the model is loaded, or fits beside the models that are loaded now.
        package var fitsNow: Bool
        /// The idle models that would go, least recently used first; empty if none would, or if they are not enough.
        package var victims: [ModelNumber]

        /// Whether the model is loaded, or could be loaded if all other models that are not pinned were gone.
        package var canEverFit: Bool { refusal == nil }
    }

    /// Computes the consequences of a load.
    package func preview(of model: ModelNumber) -> Preview {
        let index = model.rawValue
        let isLoaded = entries[index].isResident
        let fitsNow = isLoaded || fits(index, without: [])
        let chosen = fitsNow ? [] : victims(for: index, among: evictable(for: index), beside: []) ?? []
        return Preview(
            needs: entries[index].needs,
            free: capacity.less(committed(excluding: [index])),
            room: capacity.less(pinnedAmount(beside: index)),
            refusal: isLoaded ? nil : permanentRefusal(index),
            fitsNow: fitsNow, victims: chosen.map { ModelNumber($0) })
    }

    /// Whether a request or a command waits for a load or a download of the model, so that the present state is not the
    /// last one.
    package func isPending(_ model: ModelNumber) -> Bool {
        let entry = entries[model.rawValue]
        return !entry.isResident && (entry.isWanted || !entry.waiting.isEmpty)
    }

    /// The reason why a load does not fit even if all other models that are not pinned are gone; `nil` = it fits then.
    func permanentRefusal(_ index: Int) -> LifecycleRefusal? {
        if canEverFit(index) { return nil }
        let needed = entries[index].needs
        guard capacity.covers(needed) else { return .tooLarge(needed: needed, capacity: capacity) }
        let pinned = pinnedAmount(beside: index)
        guard capacity.covers(pinned + needed) else {
            return .tooLargeBesidePinned(needed: needed, free: capacity.less(pinned))
        }
        return .tooMany(limit: limits.maximumModelCount)
    }

    /// The memory of the loaded models that are pinned, without this one.
    private func pinnedAmount(beside index: Int) -> MemoryAmount {
        let movable = Set(entries.indices.filter { !entries[$0].registration.isPinned })
        return committed(excluding: movable.union([index]))
    }

    /// Replaces the properties of a model. A loaded model retains the needs that were learned.
    package mutating func update(_ model: ModelNumber, to registration: Registration) {
        let index = model.rawValue
        let needs = entries[index].isResident ? entries[index].registration.needs : registration.needs
        entries[index].registration = registration
        entries[index].registration.needs = needs
        switch entries[index].phase {
        case .absent where registration.isOnDisk: entries[index].phase = .unloaded
        case .unloaded where !registration.isOnDisk: entries[index].phase = .absent
        default: break
        }
    }

    /// Replaces the planned memory of a model.
    package mutating func plan(_ model: ModelNumber, needs: MemoryAmount) {
        entries[model.rawValue].registration.needs = needs
    }

    /// Counts a request that continues work of a loaded model.
    mutating func join(_ request: RequestNumber, _ index: Int, _ now: Instant) {
        switch entries[index].phase {
        case .ready: break
        case .draining(let drain) where !drain.isEnding: break
        default: return refuse(request, .notLoaded)
        }
        modelByRequest[request] = ModelNumber(index)
        admit(request, index, now)
    }
}

extension MemoryAmount {
    /// The amount without another one; a place never has less than 0 bytes.
    func less(_ other: MemoryAmount) -> MemoryAmount {
        var result = self
        for (index, bytes) in other.bytes.enumerated() where index < result.bytes.count {
            result.bytes[index] -= min(bytes, result.bytes[index])
        }
        return result
    }
}
