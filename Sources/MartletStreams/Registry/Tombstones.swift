package import MartletProtocol
internal import MartletText
internal import NIOCore

/// The reason of a generation's end, without any of its text.
package enum EndReason: Sendable, Equatable {
    case finished(GenerationSummary.Reason)
    case failed(EngineError.Code)

    /// - Returns: `nil` for an event that is not terminal.
    package init?(_ event: LogEvent?) {
        switch event {
        case .finished(let completion): self = .finished(completion.reason)
        case .failed(let error): self = .failed(error.code)
        default: return nil
        }
    }
}

/// Ids and end reasons of plain generations that have just ended, for control commands that arrive too late.
///
/// Nothing else of a generation is kept. Both the time and the number of entries are bounded.
struct Tombstones {
    private struct Tombstone {
        var responseID: String
        var owner: Owner
        var end: EndReason
        var time: NIODeadline
    }
    static let retainTime = TimeAmount.minutes(1)

    private let maximumCount: Int
    private var tombstones: [ExactString: Tombstone] = [:]
    /// The oldest first. Entries before `first` are removed.
    private var ids: [String] = []
    private var first = 0

    init(maximumCount: Int = 4_096) { self.maximumCount = maximumCount }

    mutating func add(_ spec: GenerationSpec, _ end: EndReason, at time: NIODeadline) {
        sweep(at: time)
        if tombstones.count == maximumCount { removeOldest() }
        ids.append(spec.head.id)
        tombstones[spec.head.id] = Tombstone(
            responseID: spec.responseID, owner: spec.owner, end: end, time: time)
    }

    /// - Parameter name: the id, with or without the prefix of a wire format.
    func end(id: String, named name: String, of owner: Owner, at time: NIODeadline) -> EndReason? {
        guard let tombstone = tombstones[id], tombstone.owner == owner, tombstone.time + Self.retainTime > time,
            name.hasSameBytes(as: id) || name.hasSameBytes(as: tombstone.responseID)
        else { return nil }
        return tombstone.end
    }

    /// Removes expired entries.
    mutating func sweep(at time: NIODeadline) {
        while first < ids.count, let oldest = tombstones[ids[first]], oldest.time + Self.retainTime <= time {
            removeOldest()
        }
    }

    private mutating func removeOldest() {
        tombstones[ids[first]] = nil
        first += 1
        guard first >= maximumCount || first == ids.count else { return }
        ids.removeFirst(first)
        first = 0
    }
}
