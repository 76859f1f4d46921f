import MartletProtocol
import MartletStreams

/// A client of the simulated server: an actor with a lane of its own.
///
/// A client acts, then waits for a while of virtual time, until it is done. Every choice comes from its own stream of
/// random numbers.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
class SimulatedClient: @unchecked Sendable {
    let name: String
    let world: SimulatedWorld
    let owner: Owner
    var random: SimulationRandom
    private let lane: SimulatedLane
    private(set) var isDone = false
    /// Called when the client is done.
    var whenDone: (() -> Void)?
    /// The longest pause between two actions in microseconds.
    private let slowness: Int
    /// The number of actions since something happened. The pauses become longer meanwhile.
    private var idleCount = 0

    init(_ kind: String, number: Int, in world: SimulatedWorld) {
        name =
            number < Self.lifeSpan ? "\(kind) \(number)" : "\(kind) \(number % Self.lifeSpan).\(number / Self.lifeSpan)"
        self.world = world
        random = SimulationRandom(seed: world.plan.seed, part: 1 << 40 + UInt64(number))
        lane = world.scheduler.makeLane(name)
        owner = random.element(of: Self.owners)
        slowness = 200 << random.below(7)
    }

    /// The owners of a run. The open owner stands for a server without keys.
    static let owners = [Owner.open, Owner(rawValue: "alice"), Owner(rawValue: "bob")]

    /// The distance between the number of a client and that of the client that follows it.
    static let lifeSpan = 1_000

    /// Begins after a pause.
    final func begin() { actLater(upTo: 40 * slowness) }

    /// Does the next thing and returns whether the client goes on.
    func act() -> Bool { false }

    private func actLater(upTo microseconds: Int) {
        let pause = UInt64(1 + random.below(microseconds)) * 1_000
        world.scheduler.addTimer(at: world.scheduler.now + pause, on: lane, isPermanent: true) { [weak self] in
            guard let self else { return }
            idleCount += 1
            if act() { return actLater(upTo: slowness << min(idleCount / 2, 6)) }
            isDone = true
            whenDone?()
        }
    }

    /// Connects to the server; nil while it does not listen.
    final func connect() -> SimulatedConnection? {
        guard let edge = world.edge, edge.isListening else { return nil }
        return edge.connect(loop: random.below(2), window: 64 << random.below(8))
    }

    /// Adds a line to the story.
    final func record(_ event: @autoclosure () -> String) {
        idleCount = 0
        world.record(name, event())
    }

    /// Something happened that is no event of the story.
    final func noteProgress() { idleCount = 0 }
}
