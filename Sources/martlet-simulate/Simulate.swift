import ArgumentParser
import MartletPlatform
import MartletSimulation

/// Runs the core with simulated clients, disk and worker, one run for each seed. `docs/simulation.md` explains it.
@main struct Simulate: ParsableCommand {
    /// The name and the purpose in the help text.
    static let configuration = CommandConfiguration(
        commandName: "martlet-simulate",
        abstract: "Searches interleavings and faults in which the core loses or doubles something.")

    @Option(help: "Number of seeds.") var seeds: UInt64 = 500
    @Option(help: "First seed.") var from: UInt64 = 1
    @Option(help: "Steps of a run until no fault and no client begins.") var steps = 2_000
    @Option(help: "Seconds after which no further run begins.") var seconds: Double?
    @Option(help: "Seconds of processor time after which no further run begins.") var cpuSeconds: Double?
    @Option(help: "Run this plan only, and print its story. A plan is one line, as a failure prints it.")
    var plan: String?
    @Flag(help: "Run every seed twice and compare the runs.") var twice = false
    @Flag(help: "Print a failure as it is, without a search for a smaller one.") var whole = false

    @Option(help: "Number of the newest lines of a story that are printed.") var lines = 200

    /// Runs one plan, or searches through the seeds.
    ///
    /// The exit code is 1 if a rule is broken, and 2 if two runs of one plan differ.
    func run() throws {
        guard getenv("SWIFT_DETERMINISTIC_HASHING") != nil else { return try restart() }
        // Tasks of the runtime become steps of the simulation, in an order that the seed decides.
        guard TaskCapture.begin() else { throw ValidationError("The Swift runtime has no hook for tasks.") }
        let digest = ScheduleTrial.run()
        if digest != ScheduleTrial.expectedDigest {
            print(
                "warning: this build orders tasks in its own way (digest \(String(digest, radix: 16))); "
                    + "plans of other builds run differently here")
        }
        if let plan {
            guard let plan = SimulationPlan(line: plan, steps: steps) else {
                throw ValidationError("--plan: the line must begin with seed=NUMBER, but got \"\(plan)\"")
            }
            return try show(SimulationRun.run(plan, writesStory: true))
        }
        try search()
    }

    /// Starts the program again with the one setting that the order of dictionaries needs.
    private func restart() throws {
        // The runtime reads the variable before `main`, so this process cannot set it for itself.
        setenv("SWIFT_DETERMINISTIC_HASHING", "1", 1)
        var arguments: [UnsafeMutablePointer<CChar>?] = CommandLine.arguments.map { strdup($0) }
        arguments.append(nil)
        execv("/proc/self/exe", arguments)
        throw ValidationError("The program cannot be started again.")
    }

    /// Runs one plan per seed until a rule is broken, then prints the figures of all runs.
    ///
    /// `digest` is a hash over all runs: two builds with the same digest have run alike.
    private func search() throws {
        let begin = ContinuousClock.now
        var (runs, stepCount, generationCount, edgeCount) = (0, 0, 0, 0)
        var digest: UInt64 = 0
        // States that a long search is expected to reach. A search that never meets one of them tests less than it says.
        var missing = Set(SimulationReach.allCases)
        for seed in from..<(from + seeds) {
            if let seconds, begin.duration(to: .now) > .seconds(seconds) { break }
            if let cpuSeconds, Self.processorTime > cpuSeconds { break }
            let outcome = SimulationRun.run(SimulationPlan(seed: seed, steps: steps))
            if outcome.failure != nil { return try fail(outcome) }
            if twice {
                let again = SimulationRun.run(outcome.plan)
                guard again.digest == outcome.digest else {
                    print("seed \(seed): two runs differ (\(outcome.steps) and \(again.steps) steps)")
                    throw ExitCode(2)
                }
            }
            runs += 1
            missing.subtract(outcome.reached)
            digest = SimulationRandom.mix(digest ^ outcome.digest)
            stepCount += outcome.steps
            generationCount += outcome.generationCount
            edgeCount += outcome.edgeCount
        }
        let time = begin.duration(to: .now) / .seconds(1)
        print(
            "\(runs) seeds, \(stepCount) steps, \(generationCount) generations, \(edgeCount) servers: no rule is broken; "
                + "\(Int(time * 10) / 10) s, \(Int(Double(stepCount) / max(time, 0.001) * 60)) steps a minute, "
                + "digest \(String(digest, radix: 16))")
        if !missing.isEmpty {
            print("never met: \(missing.map(\.rawValue).sorted().joined(separator: "; "))")
        }
    }

    /// The processor time of this process in seconds.
    private static var processorTime: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1_000_000_000
    }

    /// Makes the failing plan smaller and prints its story.
    ///
    /// A smaller plan has fewer clients and faults, and breaks a rule as well.
    private func fail(_ outcome: SimulationOutcome) throws {
        var plan = outcome.plan
        // The line repeats the run before anything is left out of it.
        print("found in \(outcome.plan.line)")
        if !whole { plan = PlanShrinking.smallest(plan) { SimulationRun.run($0).failure } }
        try show(SimulationRun.run(plan, writesStory: true))
    }

    /// Prints the story of a run.
    /// - Throws: Exit code 1 if the run has broken a rule.
    private func show(_ outcome: SimulationOutcome) throws {
        if let story = outcome.story { print(story.text(limit: lines)) }
        print("plan: \(outcome.plan.line), digest \(String(outcome.digest, radix: 16))")
        guard let failure = outcome.failure else { return print("no rule is broken in \(outcome.steps) steps") }
        print("broken at step \(failure.step): \(failure.rule.rawValue): \(failure.what)")
        throw ExitCode(1)
    }
}
