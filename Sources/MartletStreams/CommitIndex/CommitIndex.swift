internal import MartletProtocol

/// Which of a log's records readers may see while the journal writes them.
///
/// After a crash the engine writes text anew, the same under the same numbers. So text is shown before it is written,
/// but no further than `maximumLead` records ahead: a server that comes afterwards knows from its journal which numbers
/// readers may have seen. What does not come back by itself is shown when it is written, and text behind it is too.
struct CommitIndex {
    enum Policy: Sendable {
        case allVisible
        /// Text comes back by itself, other events do not.
        case textAhead
        /// Nothing comes back by itself, such as how several choices interleave.
        case durableOnly
    }

    /// How many records of text may be shown ahead of the disk: more than a model writes in a few milliseconds, and few
    /// enough to be written anew in a moment.
    static let maximumLead = 16

    private(set) var policy = Policy.allVisible
    /// How many records are written, or cannot be.
    private(set) var durableCount = 0
    /// Where events are that have to be written first; ascending.
    private var blockingIndices: [Int] = []
    /// Up to where the journal was asked to say that it has written.
    private var requestedCount = 0

    /// - Parameter count: how many records there are, all of them written.
    mutating func set(_ policy: Policy, count: Int) {
        self.policy = policy
        durableCount = count
        requestedCount = count
        blockingIndices = []
    }

    /// The next event is to become record number `index`.
    mutating func add(_ event: LogEvent, at index: Int) {
        if policy == .textAhead, !event.isReproducible { blockingIndices.append(index) }
    }

    /// How many of `count` records may be shown.
    func visibleCount(of count: Int) -> Int {
        switch policy {
        case .allVisible: count
        case .textAhead: min(count, durableCount + Self.maximumLead, blockingIndices.first ?? .max)
        case .durableOnly: min(count, durableCount)
        }
    }

    /// Whether the journal has to say when it has written `count` records.
    func needsCommitNotice(of count: Int) -> Bool {
        guard count > requestedCount else { return false }
        switch policy {
        case .allVisible: return false
        // In time, so that readers do not come to a stand.
        case .textAhead: return !blockingIndices.isEmpty || count - requestedCount >= Self.maximumLead / 2
        case .durableOnly: return true
        }
    }

    mutating func markRequested(for count: Int) { requestedCount = count }

    /// - Returns: whether that is news.
    mutating func markDurable(_ count: Int) -> Bool {
        guard policy != .allVisible, count > durableCount else { return false }
        durableCount = count
        blockingIndices.removeFirst(blockingIndices.firstIndex { $0 >= count } ?? blockingIndices.count)
        return true
    }
}

extension LogEvent {
    /// Whether a server that comes after a crash tells it again, the same in the same place, byte for byte.
    fileprivate var isReproducible: Bool {
        switch self {
        case .text, .call, .arguments, .warning: true
        case .detailedText(_, _, _, let tokenDetails): tokenDetails.tokenTimings == nil
        case .choice(_, let event): event.isReproducible
        case .admitted, .started, .promptProgress, .promptTokens, .controlled, .ping, .handedOver, .ended, .finished,
            .failed:
            false
        }
    }
}
