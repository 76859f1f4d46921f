package import MartletProtocol
internal import MartletText

/// What a client calls an order, so that it can give it again without its being obeyed again.
package struct OrderName: Sendable, Equatable {
    package var requestID: String
    /// How the action is spelt.
    package var action: String
    /// Of all that the order says.
    package var digest: UInt64

    package init(requestID: String, action: String, digest: UInt64) {
        self.requestID = requestID
        self.action = action
        self.digest = digest
    }
}

/// Why a name cannot be given to an order.
package enum OrderNameError: Error, Sendable, Equatable {
    /// It is another order's.
    case used(by: OrderName)
    /// So many orders to this generation that took effect have a name already.
    case tooMany(limit: Int)
}

/// The orders to one generation that have a name, for as long as the generation is known.
struct NamedOrders {
    static let limit = 4_096

    private var orders: [ExactString: (name: OrderName, ticket: ControlTicket)] = [:]
    /// The oldest first.
    private var requestIDs: [ExactString] = []

    /// The order that was given under this name before.
    func ticket(named name: OrderName) throws(OrderNameError) -> ControlTicket? {
        guard let known = orders[ExactString(name.requestID)] else { return nil }
        guard (known.name.action, known.name.digest) == (name.action, name.digest) else {
            throw .used(by: known.name)
        }
        return known.ticket
    }

    /// - Throws: when there is no room: an order that took effect is never forgotten.
    mutating func add(_ ticket: ControlTicket, named name: OrderName) throws(OrderNameError) {
        if requestIDs.count == Self.limit {
            let index = requestIDs.firstIndex { orders[$0]?.ticket.hasChangedNothing ?? true }
            guard let index else { throw .tooMany(limit: Self.limit) }
            orders[requestIDs.remove(at: index)] = nil
        }
        let requestID = ExactString(name.requestID)
        if orders.updateValue((name, ticket), forKey: requestID) == nil { requestIDs.append(requestID) }
    }

    /// Forgets the orders that were not replied to.
    mutating func forgetUnanswered() {
        requestIDs.removeAll { requestID in
            guard orders[requestID]?.ticket.isResolved == false else { return false }
            orders[requestID] = nil
            return true
        }
    }
}

/// What is kept of an order before anything becomes of it.
package struct OrderNote: Sendable, Equatable {
    package var number: ControlNumber
    package var name: OrderName?
    /// The ids of the generations that a fork makes.
    package var forks: [String]

    package init(number: ControlNumber, name: OrderName?, forks: [String] = []) {
        self.number = number
        self.name = name
        self.forks = forks
    }
}
