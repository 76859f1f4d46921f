internal import MartletProtocol

/// The records of a log that readers may see while the journal writes them.
///
/// After a crash the engine generates the same text under the same numbers again. So text is visible before it is
/// durable, but at most `maximumLead` records ahead: a later server knows from its journal which numbers readers may
/// have seen. Events that the engine cannot reproduce are visible when they are durable, and text behind them is too.
struct CommitIndex {
    enum Policy: Sendable {
        /// All records are visible: the generation has no journal.
        case allVisible
        /// The engine can reproduce text, but not other events.
        case textAhead
        /// The engine can reproduce nothing, for example because several choices interleave.
        case durableOnly
        /// Only the terminal event waits, until the response is in its file.
        case endHeld
    }

    /// The number of text records that may be visible before they are durable: more than a model generates in a few
    /// milliseconds, and few enough to be generated again in a moment.
    static let maximumLead = 16

    private(set) var policy = Policy.allVisible
    /// The number of records that are durable, or that the journal cannot write.
    private(set) var durableCount = 0
    /// The indices of records that must be durable before later records are visible; ascending.
    private var blockingIndices: [Int] = []
    /// The number of records whose durability the journal was asked to report.
    private var requestedCount = 0

    /// Sets the policy.
    /// - Parameter count: the number of existing records, which count as durable.
    mutating func set(_ policy: Policy, count: Int) {
        self.policy = policy
        durableCount = count
        requestedCount = count
        blockingIndices = []
    }

    /// Adds the event that becomes record number `index`.
    mutating func add(_ event: LogEvent, at index: Int) {
        switch policy {
        case .textAhead where !event.isReproducible, .endHeld where event.isTerminal: blockingIndices.append(index)
        case .textAhead, .endHeld, .allVisible, .durableOnly: break
        }
    }

    /// The next record, number `index`, must be durable before it is visible, whatever its event is.
    mutating func block(at index: Int) { if policy == .textAhead { blockingIndices.append(index) } }

    /// The number of visible records among `count` records.
    func visibleCount(of count: Int) -> Int {
        switch policy {
        case .allVisible: count
        case .textAhead: min(count, durableCount + Self.maximumLead, blockingIndices.first ?? .max)
        case .durableOnly: min(count, durableCount)
        case .endHeld: min(count, blockingIndices.first ?? .max)
        }
    }

    /// Whether the journal has to report when `count` records are durable.
    func needsCommitNotice(of count: Int) -> Bool {
        guard count > requestedCount else { return false }
        switch policy {
        // The store of responses reports without a request.
        case .allVisible, .endHeld: return false
        // At half of the lead, so that readers do not have to wait.
        case .textAhead: return !blockingIndices.isEmpty || count - requestedCount >= Self.maximumLead / 2
        case .durableOnly: return true
        }
    }

    /// Notes that the journal was asked to report the durability of `count` records.
    mutating func markRequested(for count: Int) { requestedCount = count }

    /// Notes that the first `count` records are durable.
    /// - Returns: whether more records are durable than before.
    mutating func markDurable(_ count: Int) -> Bool {
        guard policy != .allVisible, count > durableCount else { return false }
        durableCount = count
        blockingIndices.removeFirst(blockingIndices.firstIndex { $0 >= count } ?? blockingIndices.count)
        return true
    }
}

extension LogEvent {
    /// Whether a server after a crash emits the event again, byte for byte and under the same number.
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
