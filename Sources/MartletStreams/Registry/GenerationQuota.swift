/// How much generations may be and take: what makes room is the oldest that has ended, and nothing else.
package struct GenerationQuota: Sendable {
    /// Most generations that have not ended, those that wait included, of all clients together.
    package var total: Int
    /// The same of one owner. For those who come without a key it does not count: they are no one client.
    package var perOwner: Int
    /// Most ended generations that are kept, of all owners together.
    package var retained = Int.max
    /// The same of one owner.
    package var retainedPerOwner = Int.max
    /// Most bytes of all resumable generations' logs, of all owners together.
    package var bytes = Int.max
    /// The same of one owner.
    package var bytesPerOwner = Int.max

    package init(total: Int = .max, perOwner: Int = .max) {
        self.total = total
        self.perOwner = perOwner
    }

    /// Which limit stands in the way of one more.
    package enum Excess: Error, Equatable {
        case total(limit: Int)
        case perOwner(limit: Int)
        case bytes(limit: Int)
        case bytesPerOwner(limit: Int)
    }

    /// What there is, of one owner or of all.
    struct Usage: Equatable {
        /// Generations that have not ended.
        var live = 0
        /// Generations that have ended and are kept.
        var retained = 0
        /// Of the logs of resumable generations, live and kept.
        var bytes = 0

        var isEmpty: Bool { self == Usage() }
    }

    /// - Parameter count: how many more.
    /// - Throws: when there is no room.
    func check(all: Usage, own: Usage, owner: Owner, isResumable: Bool, count: Int = 1) throws(Excess) {
        // The owner's own limits first: they are what this client can do something about.
        guard own.live <= perOwner - count || owner == .open else { throw .perOwner(limit: perOwner) }
        if isResumable {
            guard own.bytes < bytesPerOwner || owner == .open else { throw .bytesPerOwner(limit: bytesPerOwner) }
            guard all.bytes < bytes else { throw .bytes(limit: bytes) }
        }
        guard all.live <= total - count else { throw .total(limit: total) }
    }
}
