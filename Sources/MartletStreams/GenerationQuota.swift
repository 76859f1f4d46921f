/// How many generations may be live at once, those that wait included.
package struct GenerationQuota: Sendable {
    /// Of all clients together.
    package var total: Int
    /// Of one owner.
    package var perOwner: Int

    package init(total: Int = .max, perOwner: Int = .max) {
        self.total = total
        self.perOwner = perOwner
    }

    /// Which limit stands in the way of one more.
    package enum Excess: Error, Equatable {
        case total(limit: Int)
        case perOwner(limit: Int)
    }

    /// - Throws: when there is no room for one more.
    func check(live: Int, ofOwner owned: Int) throws(Excess) {
        // The owner's own limit first: it is the one that this client can do something about.
        guard owned < perOwner else { throw .perOwner(limit: perOwner) }
        guard live < total else { throw .total(limit: total) }
    }
}
