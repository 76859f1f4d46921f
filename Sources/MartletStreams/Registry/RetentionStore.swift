internal import MartletProtocol
internal import MartletText
internal import NIOCore

/// The resumable generations that lookups find: running generations, retained generations, and the targets of labels.
///
/// The store is a value without clock and lock, so that tests can check its rules alone. Its user carries out the
/// consequences: the cancellation of superseded generations, and the removal of expired generations.
struct RetentionStore {
    /// The target of a label.
    private struct LabelEntry {
        /// The newest generation that the engine admitted.
        var current: Generation?
        /// Newer generations whose ids clients know, and which the engine has not admitted yet; the newest is the last.
        /// Several wait while a model loads.
        var candidates: [Generation] = []

        var newest: Generation? { candidates.last ?? current }
        var isEmpty: Bool { newest == nil }
    }
    private struct Ended {
        var generation: Generation
        var time: NIODeadline
        var byteCount: Int
        /// The time of the end in seconds since 1970.
        var finished: Int64
    }

    private var all: [ExactString: Generation] = [:]
    private var labels: [LabelKey: LabelEntry] = [:]
    /// Retained generations, the oldest first. Entries before `firstEnded` are removed; later ones may be nil.
    private var ended: [Ended?] = []
    private var endedIndices: [ExactString: Int] = [:]
    private var firstEnded = 0

    // MARK: Looking up

    func generation(id: String, of owner: Owner) -> Generation? {
        all[id].flatMap { $0.spec.owner == owner ? $0 : nil }
    }

    /// The newest generation of a label.
    func generation(labelled label: String, of owner: Owner) -> Generation? {
        let entry = labels[LabelKey(owner: owner, label: ExactString(label))]
        return entry?.newest
    }

    /// All targets of a label, the newest first: several while newer generations wait for their admission.
    func generations(labelled label: String, of owner: Owner) -> [Generation] {
        let entry = labels[LabelKey(owner: owner, label: ExactString(label))]
        guard let entry else { return [] }
        return entry.candidates.reversed() + [entry.current].compactMap { $0 }
    }

    /// The newest generation of each label that is `label` or begins with `label::`.
    func generations(labelledLike label: String, of owner: Owner) -> [Generation] {
        labels.compactMap { key, entry in
            guard key.owner == owner, key.label == ExactString(label) || key.label.text.hasBytes(ofPrefix: label + "::")
            else { return nil }
            return entry.newest
        }
    }

    /// All ended generations of a label, superseded generations included.
    func endedGenerations(labelled label: String, of owner: Owner) -> [Generation] {
        ended[firstEnded...].compactMap { entry in
            guard let generation = entry?.generation, generation.spec.owner == owner,
                generation.spec.label?.hasSameBytes(as: label) == true
            else { return nil }
            return generation
        }
    }

    /// All retained generations with the sizes of their logs in bytes, the oldest first.
    var allEnded: [(generation: Generation, byteCount: Int)] {
        ended[firstEnded...].compactMap { entry in entry.map { ($0.generation, $0.byteCount) } }
    }

    /// All generations of an owner, the newest first.
    func generations(of owner: Owner) -> [Generation] {
        all.values.filter { $0.spec.owner == owner }.sorted { $0.handle.rawValue > $1.handle.rawValue }
    }

    /// The time of the end in seconds since 1970; nil = the generation runs or is unknown.
    func finished(_ generation: Generation) -> Int64? {
        endedIndices[generation.spec.head.id].flatMap { ended[$0]?.finished }
    }

    // MARK: Lives

    /// Adds a running generation.
    mutating func add(_ generation: Generation) {
        all[generation.spec.head.id] = generation
    }

    /// Makes a generation a candidate of its label: the client knows the id, and the engine has not admitted it yet.
    mutating func publishID(of generation: Generation) {
        guard let key = generation.spec.labelKey else { return }
        var entry = labels[key] ?? LabelEntry()
        let number = generation.handle.rawValue
        guard entry.current.map({ $0.handle.rawValue < number }) ?? true,
            !entry.candidates.contains(where: { $0 === generation })
        else { return }
        let index = entry.candidates.firstIndex { $0.handle.rawValue > number } ?? entry.candidates.count
        entry.candidates.insert(generation, at: index)
        labels[key] = entry
    }

    /// Makes an admitted generation the current one of its label.
    /// - Returns: the generation to cancel, because the label has a newer one: the former current generation, or
    ///   `generation` itself.
    mutating func admit(_ generation: Generation) -> Generation? {
        guard let key = generation.spec.labelKey else { return nil }
        var entry = labels[key] ?? LabelEntry()
        let old = entry.current
        guard old !== generation else { return nil }
        if let old, old.handle.rawValue > generation.handle.rawValue { return generation }
        entry.current = generation
        entry.candidates.removeAll { $0.handle.rawValue <= generation.handle.rawValue }
        labels[key] = entry
        return old
    }

    /// Retains a generation that has ended.
    mutating func end(_ generation: Generation, at time: NIODeadline, finished: Int64, byteCount: Int) {
        endedIndices[generation.spec.head.id] = ended.count
        ended.append(Ended(generation: generation, time: time, byteCount: byteCount, finished: finished))
    }

    /// Withdraws a candidate that the engine refused: the label points at the next older candidate again, or at its
    /// current generation.
    mutating func refuse(_ generation: Generation) {
        guard let key = generation.spec.labelKey, var entry = labels[key] else { return }
        entry.candidates.removeAll { $0 === generation }
        labels[key] = entry.isEmpty ? nil : entry
    }

    /// Removes a generation.
    /// - Returns: the bytes of its log if the generation was retained; nil if it ran or was unknown.
    @discardableResult
    mutating func remove(_ generation: Generation) -> Int? {
        let id = generation.spec.head.id
        guard all.removeValue(forKey: id) != nil else { return nil }
        if let key = generation.spec.labelKey, var entry = labels[key] {
            entry.candidates.removeAll { $0 === generation }
            if entry.current === generation { entry.current = nil }
            labels[key] = entry.isEmpty ? nil : entry
        }
        guard let index = endedIndices.removeValue(forKey: id) else { return nil }
        let byteCount = ended[index]?.byteCount
        ended[index] = nil
        while firstEnded < ended.count, ended[firstEnded] == nil { firstEnded += 1 }
        if firstEnded > 1_024, firstEnded * 2 > ended.count { compact() }
        return byteCount
    }

    /// The generation that is evicted next: the oldest retained one of `owner`, or of all owners.
    /// - Complexity: O(1) for all owners; O(retained generations) for one owner.
    func oldestEnded(of owner: Owner? = nil) -> (generation: Generation, time: NIODeadline)? {
        let entry = ended[firstEnded...].first { entry in
            guard let entry else { return false }
            return owner == nil || entry.generation.spec.owner == owner
        }
        return entry.flatMap { $0 }.map { ($0.generation, $0.time) }
    }

    private mutating func compact() {
        ended.removeFirst(firstEnded)
        for (id, index) in endedIndices { endedIndices[id] = index - firstEnded }
        firstEnded = 0
    }
}
