internal import MartletProtocol
internal import MartletText
internal import NIOCore

/// The resumable generations that can be asked for: live ones, ended ones for a while, and what labels point at.
///
/// A value without clock or lock, so that its rules can be tested as such. What it decides has to be carried out by its user:
/// whom to cancel, and whom to forget.
struct GenerationShelf {
    /// What a label points at.
    private struct Slot {
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
    private var slots: [LabelKey: Slot] = [:]
    /// The oldest first. Those before `firstEnded` are gone.
    private var ended: [Ended?] = []
    private var endedIndices: [ExactString: Int] = [:]
    private var firstEnded = 0

    // MARK: Looking up

    func generation(id: String, of owner: Owner) -> Generation? {
        all[id].flatMap { $0.terms.owner == owner ? $0 : nil }
    }

    /// The newest generation of its owner's conversation.
    func generation(labelled label: String, of owner: Owner) -> Generation? {
        let slot = slots[LabelKey(owner: owner, label: ExactString(label))]
        return slot?.candidate ?? slot?.current
    }

    /// All that a label points at, which is two while a newer generation waits for the engine's yes.
    func generations(labelled label: String, of owner: Owner) -> [Generation] {
        let slot = slots[LabelKey(owner: owner, label: ExactString(label))]
        return [slot?.candidate, slot?.current].compactMap { $0 }
    }

    /// The newest generations of conversations called `label`, or `label::` and more.
    func generations(labelledLike label: String, of owner: Owner) -> [Generation] {
        slots.compactMap { key, slot in
            guard key.owner == owner, key.label == ExactString(label) || key.label.text.hasBytes(ofPrefix: label + "::")
            else { return nil }
            return slot.candidate ?? slot.current
        }
    }

    /// All ended generations of a label, superseded generations included.
    func endedGenerations(labelled label: String, of owner: Owner) -> [Generation] {
        ended[firstEnded...].compactMap { entry in
            guard let generation = entry?.generation, generation.terms.owner == owner,
                generation.terms.label?.hasSameBytes(as: label) == true
            else { return nil }
            return generation
        }
    }

    /// The newest first.
    func generations(of owner: Owner) -> [Generation] {
        all.values.filter { $0.terms.owner == owner }.sorted { $0.handle.rawValue > $1.handle.rawValue }
    }

    /// When it ended, in seconds since 1970.
    func finished(_ generation: Generation) -> Int64? {
        endedIndices[generation.terms.head.id].flatMap { ended[$0]?.finished }
    }

    // MARK: Lives

    mutating func add(_ generation: Generation) {
        all[generation.terms.head.id] = generation
    }

    /// Its client knows of it, but the engine has not said yes.
    mutating func announce(_ generation: Generation) {
        guard let key = generation.terms.labelKey else { return }
        let newest = slots[key]?.candidate ?? slots[key]?.current
        guard newest.map({ $0.handle.rawValue < generation.handle.rawValue }) ?? true else { return }
        slots[key, default: Slot()].candidate = generation
    }

    /// It passed validation.
    /// - Returns: which generation is to be stopped, as there is a newer one of the same label.
    mutating func admit(_ generation: Generation) -> Generation? {
        guard let key = generation.terms.labelKey else { return nil }
        var slot = slots[key] ?? Slot()
        let old = slot.current
        guard old !== generation else { return nil }
        if let old, old.handle.rawValue > generation.handle.rawValue { return generation }
        slot.current = generation
        if let candidate = slot.candidate, candidate.handle.rawValue <= generation.handle.rawValue {
            slot.candidate = nil
        }
        slots[key] = slot
        return old
    }

    /// It ended.
    mutating func end(_ generation: Generation, at time: NIODeadline, finished: Int64, byteCount: Int) {
        endedIndices[generation.terms.head.id] = ended.count
        ended.append(Ended(generation: generation, time: time, byteCount: byteCount, finished: finished))
    }

    /// The engine refused it: its label points again at what it did before.
    mutating func refuse(_ generation: Generation) {
        guard let key = generation.terms.labelKey, slots[key]?.candidate === generation else { return }
        slots[key]?.candidate = nil
        if slots[key]?.current == nil { slots[key] = nil }
    }

    /// Takes one away for good.
    /// - Returns: how many bytes that frees, if it had ended.
    @discardableResult
    mutating func remove(_ generation: Generation) -> Int? {
        let id = generation.terms.head.id
        guard all.removeValue(forKey: id) != nil else { return nil }
        if let key = generation.terms.labelKey, var slot = slots[key] {
            if slot.candidate === generation { slot.candidate = nil }
            if slot.current === generation { slot.current = nil }
            slots[key] = slot.candidate == nil && slot.current == nil ? nil : slot
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
            return owner == nil || entry.generation.terms.owner == owner
        }
        return entry.flatMap { $0 }.map { ($0.generation, $0.time) }
    }

    private mutating func compact() {
        ended.removeFirst(firstEnded)
        for (id, index) in endedIndices { endedIndices[id] = index - firstEnded }
        firstEnded = 0
    }
}
