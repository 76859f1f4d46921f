import MartletGenerations
import MartletProtocol
import MartletStreams

/// A client that deletes and lists generations, and tries to read those of other owners. It also works on the files of
/// the server, as an operator does.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class OperatingClient: SimulatedClient, @unchecked Sendable {
    private enum Deed {
        case deletion(id: String)
        case labelDeletion(label: String)
        case list
        case foreignRead(id: String)
    }
    /// The request without a reply.
    private var open: (deed: Deed, connection: SimulatedConnection)?
    /// The number of requests that remain.
    private var rest: Int
    /// A generation that a deletion has stopped. A second deletion removes it.
    private var stopped: String?
    /// The number of the last process that the client has seen.
    private var lastProcess = 1

    init(number: Int, in world: SimulatedWorld) {
        var random = SimulationRandom(seed: world.plan.seed, part: 5 << 40 + UInt64(number))
        rest = random.number(2...20)
        super.init("operator", number: number, in: world)
    }

    override func act() -> Bool {
        if let (deed, connection) = open {
            guard connection.head == nil, !connection.isClosed else {
                if case .reply(let reply)? = connection.head {
                    receive(reply, deed)
                } else if case .stream? = connection.head, case .foreignRead(let id) = deed {
                    world.fail(.owner, "\(name) (\(owner.rawValue)) reads \(id.prefix(6)) of another owner")
                }
                open = nil
                return true
            }
            return true
        }
        guard world.hasFaults, rest > 0 else { return false }
        if random.chance(1, of: 12) { exportJournal() }
        if world.edge == nil, random.chance(1, of: 3) { removeOffline() }
        guard let edge = world.edge, let connection = connect() else { return true }
        let isNew = edge.number != lastProcess
        lastProcess = edge.number
        // Directly after a start, generations of the process before have not caught up with their readers.
        if let id = stopped, random.chance(1, of: 2) {
            stopped = nil
            delete(id, edge, connection)
        } else if world.truth.isDiskFaulty, random.chance(1, of: 3), !world.truth.known(of: owner).isEmpty {
            // The server's log says that the disk fails.
            rest -= 1
            delete(random.element(of: world.truth.known(of: owner)), edge, connection)
        } else if isNew, let id = world.truth.known(of: owner).suffix(3).randomElement(using: &random) {
            rest -= 1
            delete(id, edge, connection)
        } else if random.chance(1, of: 6) {
            rest -= 1
            begin(edge, connection)
        } else {
            connection.closeByClient()
        }
        return true
    }

    private func delete(_ id: String, _ edge: SimulatedEdge, _ connection: SimulatedConnection) {
        record("deletes \(id.prefix(6))")
        world.truth.update(id) { $0.isDeleting = true }
        edge.delete(id: id, label: nil, of: owner, on: connection)
        open = (.deletion(id: id), connection)
    }

    /// Sends a random request.
    private func begin(_ edge: SimulatedEdge, _ connection: SimulatedConnection) {
        let known = world.truth.known(of: owner)
        switch random.below(6) {
        case 0...1 where !known.isEmpty:
            delete(random.element(of: known), edge, connection)
        case 2:
            let label = random.element(of: ["x", "x::1", "y"])
            record("deletes label \(label)")
            edge.delete(id: "", label: label, of: owner, on: connection)
            open = (.labelDeletion(label: label), connection)
        case 3...4:
            let foreign = world.truth.ids.filter { world.truth.records[$0]?.request.owner != owner }
            guard !foreign.isEmpty else { return connection.closeByClient() }
            let id = random.element(of: foreign)
            switch random.below(5) {
            case 0...1: edge.read(id: id, of: owner, from: .beginning, on: connection)
            case 2: edge.result(id: id, of: owner, waiting: nil, on: connection)
            case 3: edge.delete(id: id, label: nil, of: owner, on: connection)
            default: edge.send(.stop(reason: "foreign"), identity: nil, to: id, of: owner, on: connection)
            }
            open = (.foreignRead(id: id), connection)
        default:
            edge.list(of: owner, on: connection)
            open = (.list, connection)
        }
    }

    /// Compares a reply with what is known.
    private func receive(_ reply: SimulatedConnection.Reply, _ deed: Deed) {
        switch (reply, deed) {
        case (.deletion(let deletion), .deletion(let id)):
            record("has deleted \(id.prefix(6)): \(deletion.map { "\($0)" } ?? "nothing")")
            world.truth.update(id) { $0.isDeleted = $0.isDeleted || deletion == .removed }
            if deletion == .removed { world.reach(.deletion) }
            if deletion == .stopped { stopped = id }
        case (.list(let entries), .list):
            for entry in entries where entry.owner != owner {
                world.fail(.owner, "\(name) lists \(entry.id.prefix(6)) of another owner")
            }
        case (.error(let error), .foreignRead(let id)):
            guard error.kind != .notFound, error.kind != .unavailable else { break }
            world.fail(.owner, "\(name) learns of \(id.prefix(6)): \(error.message)")
        case (.command, .foreignRead(let id)), (.deletion, .foreignRead(let id)), (.whole, .foreignRead(let id)),
            (.state, .foreignRead(let id)):
            world.fail(.owner, "\(name) (\(owner.rawValue)) reads or changes \(id.prefix(6)) of another owner")
        default: break
        }
    }
}
