package import MartletProtocol
internal import MartletText

/// What a client calls an order, so that it can give it again without its being obeyed again.
package struct CommandIdentity: Sendable, Equatable {
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
package enum CommandIdentityError: Error, Sendable, Equatable {
    /// It is another order's.
    case used(by: CommandIdentity)
    /// So many orders to this generation that took effect have a name already.
    case tooMany(limit: Int)
}

/// The orders to one generation that have a name, for as long as the generation is known.
struct IdentifiedCommands {
    static let limit = 4_096

    private var commands: [ExactString: (identity: CommandIdentity, promise: CommandPromise)] = [:]
    /// The oldest first.
    private var requestIDs: [ExactString] = []

    /// The order that was given under this name before.
    func promise(identity: CommandIdentity) throws(CommandIdentityError) -> CommandPromise? {
        guard let known = commands[ExactString(identity.requestID)] else { return nil }
        guard (known.identity.action, known.identity.digest) == (identity.action, identity.digest) else {
            throw .used(by: known.identity)
        }
        return known.promise
    }

    /// - Throws: when there is no room: an order that took effect is never forgotten.
    mutating func add(_ promise: CommandPromise, identity: CommandIdentity) throws(CommandIdentityError) {
        if requestIDs.count == Self.limit {
            let index = requestIDs.firstIndex { commands[$0]?.promise.hadNoEffect ?? true }
            guard let index else { throw .tooMany(limit: Self.limit) }
            commands[requestIDs.remove(at: index)] = nil
        }
        let requestID = ExactString(identity.requestID)
        if commands.updateValue((identity, promise), forKey: requestID) == nil { requestIDs.append(requestID) }
    }

    /// Forgets the orders that were not replied to.
    mutating func removeUnresolved() {
        requestIDs.removeAll { requestID in
            guard commands[requestID]?.promise.isResolved == false else { return false }
            commands[requestID] = nil
            return true
        }
    }
}

/// What is kept of an order before anything becomes of it.
package struct CommandRecord: Sendable, Equatable {
    package var number: CommandNumber
    package var identity: CommandIdentity?
    /// The ids of the generations that a fork makes.
    package var forks: [String]

    package init(number: CommandNumber, identity: CommandIdentity?, forks: [String] = []) {
        self.number = number
        self.identity = identity
        self.forks = forks
    }
}
