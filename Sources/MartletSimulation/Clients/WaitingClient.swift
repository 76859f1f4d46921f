import MartletGenerations
import MartletProtocol
import MartletStreams
import NIOCore

/// A client that wants the whole output: it waits on its connection, or polls a background generation.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class WaitingClient: SimulatedClient, @unchecked Sendable {
    private enum State {
        case fresh
        case open(SimulatedConnection)
        case away
    }
    private let request: SimulatedRequest
    private var state = State.fresh
    private var id: String?
    /// The client closes its connection at one of so many looks.
    private let looksPerCut: Int
    private var patience = 60

    init(number: Int, in world: SimulatedWorld) {
        var random = SimulationRandom(seed: world.plan.seed, part: 3 << 40 + UInt64(number))
        let form = random.element(of: ["question", "chat", "heads"])
        var request = SimulatedRequest(
            prompt: "\(form) \(random.below(1_000)) of waiter \(number)", seed: UInt64(random.below(1_000)))
        request.streams = false
        request.lifetime = random.element(of: [.plain, .resumable, .background, .background])
        request.choices = random.element(of: [1, 1, 2])
        request.isStored = request.lifetime == .plain && random.chance(1, of: 2)
        looksPerCut = random.element(of: [.max, 200, 30])
        self.request = request
        super.init("waiter", number: number, in: world)
    }

    /// The request with its owner.
    private var ownRequest: SimulatedRequest {
        var own = request
        own.owner = owner
        return own
    }

    override func act() -> Bool {
        switch state {
        case .fresh:
            guard world.hasFaults || patience < 60 else { return false }
            guard let connection = connect(), let edge = world.edge else {
                patience -= 1
                return patience > 0
            }
            record("asks for a whole \(request.lifetime) output of '\(request.prompt)'")
            edge.complete(ownRequest, on: connection)
            state = .open(connection)
        case .open(let connection):
            if case .reply(let reply)? = connection.head { return finish(with: reply) }
            if random.chance(1, of: looksPerCut) {
                record("closes its connection")
                connection.closeByClient()
                return leave()
            }
            if connection.isClosed { return leave() }
        case .away:
            guard let id, let connection = connect(), let edge = world.edge else { return true }
            let time = random.chance(1, of: 2) ? TimeAmount.milliseconds(Int64(random.number(1...400))) : nil
            edge.result(id: id, of: owner, waiting: time, on: connection)
            state = .open(connection)
        }
        return true
    }

    private func leave() -> Bool {
        guard id != nil else { return false }
        state = .away
        return true
    }

    private func finish(with reply: SimulatedConnection.Reply) -> Bool {
        switch reply {
        case .whole(let received, let events):
            if let received {
                world.truth.update(received) { $0.isKnown = true }
            } else {
                SimulationChecks.checkStorage(of: ownRequest, for: name, in: world)
            }
            record("receives a whole output of \(events.count) events")
            if events.count(where: { $0.isTerminal }) != 1 || events.last?.isTerminal != true {
                world.fail(.oneEnd, "\(name): a whole output has \(events.count { $0.isTerminal }) terminal events")
            }
            return false
        case .state(let received, let state):
            if id == nil { record("learns the id \(received.prefix(6)), which is \(state)") }
            id = received
            world.truth.update(received) { $0.isKnown = true }
            return leave()
        case .error(let error):
            record("gets an error: \(error.message)")
            guard let id else {
                state = .fresh
                patience -= 1
                return error.kind == .unavailable && patience > 0
            }
            if error.kind == .notFound {
                SimulationChecks.missing(id, isByLabel: false, to: name, in: world)
                return false
            }
            return leave()
        default: return leave()
        }
    }
}
