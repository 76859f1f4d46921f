import MartletGenerations
import MartletProtocol
import MartletStreams

/// The result of a run.
package struct SimulationOutcome: Sendable {
    package var plan: SimulationPlan
    /// The first broken rule; nil = all rules hold.
    package var failure: SimulationFailure?
    /// The number of steps, those after the last fault included.
    package var steps: Int
    /// Equal for equal runs.
    package var digest: UInt64
    /// The course of the run, if it was asked for.
    package var story: SimulationStory?
    /// The number of generations that clients began.
    package var generationCount: Int
    /// The number of server processes.
    package var edgeCount: Int
    /// The situations that the run has met.
    package var reached: Set<SimulationReach>
}

/// Runs plans: clients and faults for a number of steps, then the way to rest, then the checks of the end.
///
/// Thread: one at a time; `TaskCapture.begin` must have returned true.
package enum SimulationRun {
    /// The number of steps in which everything ends once no fault and no client begins.
    private static let settlingSteps = 200_000
    /// The virtual time for the same, in nanoseconds.
    private static let settlingTime: UInt64 = 3_600_000_000_000

    /// Runs a plan to its end or to the first broken rule.
    package static func run(_ plan: SimulationPlan, writesStory: Bool = false) -> SimulationOutcome {
        let world = SimulatedWorld(plan, writesStory: writesStory)
        TaskCapture.scheduler = world.scheduler
        defer { TaskCapture.scheduler = nil }
        world.startEdge()
        for number in plan.actors { addClient(number, to: world) }
        var faults = plan.faults.map { SimulatedFault(seed: plan.seed, number: $0, steps: plan.steps) }
        faults.sort { $0.step > $1.step }
        while world.scheduler.stepCount < plan.steps, world.failure == nil, world.scheduler.runStep() {
            world.noticeCrash()
            SimulationChecks.afterStep(world)
            while let fault = faults.last, fault.step <= world.scheduler.stepCount {
                faults.removeLast()
                fault.strike(world)
            }
        }
        settle(world)
        world.finish()
        return SimulationOutcome(
            plan: plan, failure: world.failure, steps: world.scheduler.stepCount, digest: world.scheduler.digest,
            story: world.story.map { SimulationStory(lines: $0) }, generationCount: world.truth.ids.count,
            edgeCount: world.edgeCount, reached: world.reached)
    }

    /// Adds a client. Another one follows it when it is done, until no new work begins.
    private static func addClient(_ number: Int, to world: SimulatedWorld) {
        let client = makeClient(number, in: world)
        world.clients[number % SimulatedClient.lifeSpan] = client
        client.whenDone = { [weak world] in
            guard let world, world.hasFaults else { return }
            addClient(number + SimulatedClient.lifeSpan, to: world)
        }
        client.begin()
    }

    /// The client with a number. Most clients read streams.
    private static func makeClient(_ number: Int, in world: SimulatedWorld) -> SimulatedClient {
        var random = SimulationRandom(seed: world.plan.seed, part: 9 << 40 + UInt64(number))
        switch random.below(10) {
        case 0...4: return ReadingClient(number: number, in: world)
        case 5: return WaitingClient(number: number, in: world)
        case 6...7: return ControllingClient(number: number, in: world)
        case 8: return SocketClient(number: number, in: world)
        default: return OperatingClient(number: number, in: world)
        }
    }

    /// Lets everything end, checks what is left, and then shuts the server down.
    private static func settle(_ world: SimulatedWorld) {
        world.hasFaults = false
        world.record("plan", "no fault and no client begins any more")
        let (lastStep, lastTime) = (world.scheduler.stepCount + settlingSteps, world.scheduler.now + settlingTime)
        func runs(until isMet: () -> Bool, _ what: () -> String) -> Bool {
            while world.failure == nil, !isMet() {
                guard world.scheduler.stepCount < lastStep, world.scheduler.now < lastTime, world.scheduler.runStep()
                else {
                    world.fail(.progress, what())
                    return false
                }
                world.noticeCrash()
                SimulationChecks.afterStep(world)
                if world.scheduler.stepCount % 128 == 0 { resumeAll(world) }
            }
            return world.failure == nil
        }
        func isAtRest() -> Bool {
            guard let edge = world.edge, edge.phase == .serving, !edge.recovery.isRecovering else { return false }
            return world.clients.values.allSatisfy(\.isDone) && edge.registry.liveCount == 0 && edge.handlerCount == 0
        }
        func whatRuns() -> String {
            let waiting = world.clients.values.filter { !$0.isDone }.map(\.name).sorted().joined(separator: ", ")
            let live = world.edge?.registry.liveCount ?? 0
            let states = world.edge.map { SimulationChecks.unfinished($0) } ?? "no server"
            let worker = world.worker?.summary ?? "there is no worker"
            return "\(live) generations run (\(states); \(worker)), and these clients wait: \(waiting)"
        }
        repeat {
            guard runs(until: isAtRest, whatRuns) else { return }
            // Leases are released on event loops, and a disk may hang for 1.5 seconds, or end the process late.
            let pause = world.scheduler.now + 2_000_000_000
            guard runs(until: { world.scheduler.now > pause }, { "the clock stands still" }) else { return }
        } while !isAtRest()
        guard let edge = world.edge else { return }
        SimulationChecks.atEnd(edge, world)
        edge.terminate()
        _ = runs(until: { edge.phase == .ended }, { "the edge does not end" })
    }

    /// Resumes generations that a client paused.
    private static func resumeAll(_ world: SimulatedWorld) {
        guard let edge = world.edge, edge.phase != .ended else { return }
        for owner in SimulatedClient.owners {
            for generation in edge.registry.generations(of: owner) where generation.log.terminalEvent == nil {
                _ = try? edge.registry.send(.resume, to: generation)
            }
        }
    }
}
