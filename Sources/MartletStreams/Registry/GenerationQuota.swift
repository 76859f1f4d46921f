/// Limits on the number of generations and on the bytes of their logs.
///
/// Ended generations are removed to make room, the oldest first. A running generation is never removed for another one:
/// the new request is refused.
package struct GenerationQuota: Sendable {
    /// The maximum number of choices that have not ended, queued choices included, of all owners together.
    package var total: Int
    /// The maximum number of choices that have not ended, of one owner. It does not bind the open owner, which stands
    /// for many clients.
    package var perOwner: Int
    /// The maximum number of retained generations, of all owners together.
    package var retained = Int.max
    /// The maximum number of retained generations of one owner.
    package var retainedPerOwner = Int.max
    /// The maximum size of the logs of all resumable generations in bytes, of all owners together.
    package var bytes = Int.max
    /// The maximum size of the logs of one owner's resumable generations in bytes.
    package var bytesPerOwner = Int.max

    package init(total: Int = .max, perOwner: Int = .max) {
        self.total = total
        self.perOwner = perOwner
    }

    /// The limit that refuses a new generation.
    package enum Excess: Error, Equatable {
        case total(limit: Int)
        case perOwner(limit: Int)
        case bytes(limit: Int)
        case bytesPerOwner(limit: Int)
    }

    /// The counted generations and bytes, of one owner or of all owners.
    struct Usage: Equatable {
        /// The number of choices that have not ended.
        var live = 0
        /// The number of retained generations.
        var retained = 0
        /// The bytes of the logs of resumable generations, running and retained.
        var bytes = 0

        var isEmpty: Bool { self == Usage() }
    }

    /// Checks that new choices fit.
    /// - Parameter count: the number of new choices.
    /// - Throws: the first limit that is exceeded.
    func check(all: Usage, own: Usage, owner: Owner, isResumable: Bool, count: Int = 1) throws(Excess) {
        // The owner's own limits are checked first, because this client can do something about them.
        guard own.live <= perOwner - count || owner == .open else { throw .perOwner(limit: perOwner) }
        if isResumable {
            guard own.bytes < bytesPerOwner || owner == .open else { throw .bytesPerOwner(limit: bytesPerOwner) }
            guard all.bytes < bytes else { throw .bytes(limit: bytes) }
        }
        guard all.live <= total - count else { throw .total(limit: total) }
    }
}
