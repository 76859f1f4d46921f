/// The behaviour of the workers of one run: how slow they are, and how often they fail.
struct WorkerHabits: Sendable {
    /// The virtual duration of a step in nanoseconds: the shortest and the range above it.
    var stepTime: (least: Int, spread: Int)
    /// The duration of loading in nanoseconds.
    var loadTime: Int
    /// One worker of so many ends at a step; 0 = never.
    var stepsPerDeath: Int
    /// One of so many starts fails; 0 = none.
    var startsPerFailure: Int
    /// The largest number of steps by which a command is applied late.
    var commandDelay: Int
    /// The largest number of steps of a prefill.
    var prefillSteps: Int
    /// The number of slots.
    var slots: Int

    /// The habits that a seed gives.
    init(seed: UInt64) {
        var random = SimulationRandom(seed: seed, part: 2)
        let isSlow = random.chance(1, of: 4)
        stepTime = isSlow ? (3_000_000, 12_000_000) : (50_000 << random.below(4), 100_000 << random.below(5))
        loadTime = 1_000_000 << random.below(14)
        stepsPerDeath = random.element(of: [0, 0, 2_000, 400, 100])
        startsPerFailure = random.element(of: [0, 0, 20, 6])
        commandDelay = random.element(of: [0, 0, 2, 10])
        prefillSteps = random.element(of: [1, 3, 8])
        slots = random.element(of: [1, 2, 4, 6, 8, 12])
    }
}

/// The way in which a worker ends without request.
enum WorkerDeath: CaseIterable {
    /// Before the frame of its step is written.
    case beforeFrame
    /// Within the frame.
    case withinFrame
    /// Behind the frame.
    case behindFrame
    /// Behind a second copy of the frame.
    case repeatingFrame
}
