internal import MartletProtocol
internal import MartletText
internal import NIOCore

/// The resumable generations that can be asked for: live ones, ended ones for a while, and what labels point at.
///
/// A value without clock or lock, so that its rules can be tested as such. What it decides has to be carried out by its
/// user: whom to cancel, and whom to forget.
struct RetentionStore {
    /// What a label points at.
    private struct LabelEntry {
        /// The newest that passed validation.
        var current: Generation?
        /// A newer one of which its client knows already, and the engine's yes is still to come.
        var candidate: Generation?
    }
    private struct Ended {
        var generation: Generation
        var time: NIODeadline
        var byteCount: Int
        /// In seconds since 1970.
        var finished: Int64
    }

    private var all: [ExactString: Generation] = [:]
    private var labels: [LabelKey: LabelEntry] = [:]
    /// The oldest first. Those before `firstEnded` are gone.
    private var ended: [Ended?] = []
    private var endedIndices: [ExactString: Int] = [:]
    private var firstEnded = 0

    // MARK: Looking up

    func generation(id: String, of owner: Owner) -> Generation? {
        all[id].flatMap { $0.spec.owner == owner ? $0 : nil }
    }

    /// The newest generation of its owner's conversation.
    func generation(labelled label: String, of owner: Owner) -> Generation? {
        let entry = labels[LabelKey(owner: owner, label: ExactString(label))]
        return entry?.candidate ?? entry?.current
    }

    /// All that a label points at, which is two while a newer generation waits for the engine's yes.
    func generations(labelled label: String, of owner: Owner) -> [Generation] {
        let entry = labels[LabelKey(owner: owner, label: ExactString(label))]
        return [entry?.candidate, entry?.current].compactMap { $0 }
    }

    /// The newest generations of conversations called `label`, or `label::` and more.
    func generations(labelledLike label: String, of owner: Owner) -> [Generation] {
        labels.compactMap { key, entry in
            guard key.owner == owner, key.label == ExactString(label) || key.label.text.hasBytes(ofPrefix: label + "::")
            else { return nil }
            return entry.candidate ?? entry.current
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

    /// The newest first.
    func generations(of owner: Owner) -> [Generation] {
        all.values.filter { $0.spec.owner == owner }.sorted { $0.handle.rawValue > $1.handle.rawValue }
    }

    /// When it ended, in seconds since 1970.
    func finished(_ generation: Generation) -> Int64? {
        endedIndices[generation.spec.head.id].flatMap { ended[$0]?.finished }
    }

    // MARK: Lives

    mutating func add(_ generation: Generation) {
        all[generation.spec.head.id] = generation
    }

    /// Its client knows of it, but the engine has not said yes.
    mutating func publishID(of generation: Generation) {
        guard let key = generation.spec.labelKey else { return }
        let newest = labels[key]?.candidate ?? labels[key]?.current
        guard newest.map({ $0.handle.rawValue < generation.handle.rawValue }) ?? true else { return }
        labels[key, default: LabelEntry()].candidate = generation
    }

    /// It passed validation.
    /// - Returns: which generation is to be stopped, as there is a newer one of the same label.
    mutating func admit(_ generation: Generation) -> Generation? {
        guard let key = generation.spec.labelKey else { return nil }
        var entry = labels[key] ?? LabelEntry()
        let old = entry.current
        guard old !== generation else { return nil }
        if let old, old.handle.rawValue > generation.handle.rawValue { return generation }
        entry.current = generation
        if let candidate = entry.candidate, candidate.handle.rawValue <= generation.handle.rawValue {
            entry.candidate = nil
        }
        labels[key] = entry
        return old
    }

    /// It ended.
    mutating func end(_ generation: Generation, at time: NIODeadline, finished: Int64, byteCount: Int) {
        endedIndices[generation.spec.head.id] = ended.count
        ended.append(Ended(generation: generation, time: time, byteCount: byteCount, finished: finished))
    }

    /// The engine refused it: its label points again at what it did before.
    mutating func refuse(_ generation: Generation) {
        guard let key = generation.spec.labelKey, labels[key]?.candidate === generation else { return }
        labels[key]?.candidate = nil
        if labels[key]?.current == nil { labels[key] = nil }
    }

    /// Takes one away for good.
    /// - Returns: how many bytes that frees, if it had ended.
    @discardableResult
    mutating func remove(_ generation: Generation) -> Int? {
        let id = generation.spec.head.id
        guard all.removeValue(forKey: id) != nil else { return nil }
        if let key = generation.spec.labelKey, var entry = labels[key] {
            if entry.candidate === generation { entry.candidate = nil }
            if entry.current === generation { entry.current = nil }
            labels[key] = entry.candidate == nil && entry.current == nil ? nil : entry
        }
        guard let index = endedIndices.removeValue(forKey: id) else { return nil }
        let byteCount = ended[index]?.byteCount
        ended[index] = nil
        while firstEnded < ended.count, ended[firstEnded] == nil { firstEnded += 1 }
        if firstEnded > 1_024, firstEnded * 2 > ended.count { compact() }
        return byteCount
    }

    /// The ended generation that goes first: the oldest of those of `owner`, or of all.
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
