package import MartletProtocol
internal import MartletText

/// The identity of a control command. A client repeats a command with the same request id, and the engine applies it
/// once.
package struct CommandIdentity: Sendable, Equatable {
    /// The client's name for the command, unique within the generation.
    package var requestID: String
    /// The action's name on the wire.
    package var action: String
    /// A hash of the command's whole content, which detects another command under the same request id.
    package var digest: UInt64

    package init(requestID: String, action: String, digest: UInt64) {
        self.requestID = requestID
        self.action = action
        self.digest = digest
    }
}

/// The reason why a command cannot have its request id.
package enum CommandIdentityError: Error, Sendable, Equatable {
    /// Another command of the generation has the request id.
    case used(by: CommandIdentity)
    /// The generation remembers this number of commands already, and all of them took effect.
    case tooMany(limit: Int)
}

/// The commands of one generation that have a request id, until the generation is removed. At most `limit`.
struct IdentifiedCommands {
    static let limit = 4_096

    private var commands: [ExactString: (identity: CommandIdentity, promise: CommandPromise)] = [:]
    /// In the order of arrival.
    private var requestIDs: [ExactString] = []

    /// The promise of the command that arrived earlier under this request id.
    /// - Throws: when that command had other content.
    func promise(identity: CommandIdentity) throws(CommandIdentityError) -> CommandPromise? {
        guard let known = commands[ExactString(identity.requestID)] else { return nil }
        guard (known.identity.action, known.identity.digest) == (identity.action, identity.digest) else {
            throw .used(by: known.identity)
        }
        return known.promise
    }

    /// Remembers a command. When there are too many, the oldest command without effect is forgotten.
    /// - Throws: when all remembered commands took effect: those are never forgotten.
    mutating func add(_ promise: CommandPromise, identity: CommandIdentity) throws(CommandIdentityError) {
        if requestIDs.count == Self.limit {
            let index = requestIDs.firstIndex { commands[$0]?.promise.hadNoEffect ?? true }
            guard let index else { throw .tooMany(limit: Self.limit) }
            commands[requestIDs.remove(at: index)] = nil
        }
        let requestID = ExactString(identity.requestID)
        if commands.updateValue((identity, promise), forKey: requestID) == nil { requestIDs.append(requestID) }
    }

    /// Forgets the commands that have no reply yet.
    mutating func removeUnresolved() {
        requestIDs.removeAll { requestID in
            guard commands[requestID]?.promise.isResolved == false else { return false }
            commands[requestID] = nil
            return true
        }
    }
}

/// The record of a sent command that has no result yet.
package struct CommandRecord: Sendable, Equatable {
    package var number: CommandNumber
    package var identity: CommandIdentity?
    /// The ids of the generations that a fork command makes.
    package var forks: [String]

    package init(number: CommandNumber, identity: CommandIdentity?, forks: [String] = []) {
        self.number = number
        self.identity = identity
        self.forks = forks
    }
}
