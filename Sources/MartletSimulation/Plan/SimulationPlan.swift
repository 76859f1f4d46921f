/// Everything that decides a run: the seed, and the parts of the seed's run that are kept.
///
/// A plan is one line of text, for example `seed=7 steps=2000 actors=0,3 faults=1`. Without `actors` or `faults` all
/// of them are kept.
package struct SimulationPlan: Sendable, Equatable {
    /// The source of all choices.
    package var seed: UInt64
    /// The number of steps until no new work and no fault begins.
    package var steps: Int
    /// The kept actors by number, ascending.
    package var actors: [Int]
    /// The kept faults by number, ascending.
    package var faults: [Int]

    /// The whole run of a seed.
    package init(seed: UInt64, steps: Int) {
        self.seed = seed
        self.steps = steps
        var random = SimulationRandom(seed: seed, part: 1)
        actors = Array(0..<random.number(3...9))
        faults = Array(0..<random.element(of: [0, 1, 2, 3, 6]))
    }

    /// Reads the line of a plan; nil for any other text.
    /// - Parameter steps: the number of steps if the line names none.
    package init?(line: String, steps: Int) {
        var fields: [Substring: Substring] = [:]
        for word in line.split(separator: " ") {
            let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2 else { return nil }
            fields[parts[0]] = parts[1]
        }
        guard let seed = fields["seed"].flatMap({ UInt64($0) }) else { return nil }
        self.init(seed: seed, steps: fields["steps"].flatMap { Int($0) } ?? steps)
        if let list = fields["actors"] { actors = list.split(separator: ",").compactMap { Int($0) } }
        if let list = fields["faults"] { faults = list.split(separator: ",").compactMap { Int($0) } }
    }

    /// The plan as the line that `init(line:steps:)` reads.
    package var line: String {
        func list(_ numbers: [Int]) -> String { numbers.map(String.init).joined(separator: ",") }
        return "seed=\(seed) steps=\(steps) actors=\(list(actors)) faults=\(list(faults))"
    }
}

/// A rule that every run keeps. `docs/simulation.md` explains each of them.
package enum SimulationRule: String, Sendable, CaseIterable {
    /// Each reader receives every event once and in order, whatever its cursor.
    case everyEventOnce = "every event once"
    /// Bytes of a replay equal those of the first time.
    case replay = "a replay has the same bytes"
    /// A log and each stream have exactly one terminal event, and nothing follows.
    case oneEnd = "one end"
    /// The text equals that of an undisturbed run with the acknowledged commands.
    case text = "the text of the undisturbed run"
    /// An acknowledged command is in the log, with the number of its reply.
    case command = "an acknowledged command survives"
    /// A command gets a reply before the server closes its connection.
    case reply = "every command is answered"
    /// A repeated request id gets the first reply.
    case repetition = "a repetition gets the first reply"
    /// No owner finds a generation of another owner.
    case owner = "no foreign generation"
    /// A label has one running generation.
    case label = "one running generation of a label"
    /// The registry's counts equal its contents, and the quota holds.
    case counts = "counts and quotas"
    /// A deleted generation is gone from memory and disk.
    case deletion = "what is deleted is gone"
    /// A resumable generation that a client knows survives until it expires.
    case survival = "a known generation survives"
    /// The end of a generation whose response is stored comes behind the file, unless the disk is slow.
    case storage = "a response is in its file before its end"
    /// A server that is asked to end does so within its time.
    case shutdown = "a shutdown ends in time"
    /// Every generation, client and process ends.
    case progress = "everything ends"
    /// No task, timer, reader, lease or descriptor is left.
    case leftovers = "nothing is left"
    /// Edge and worker understand each other's frames.
    case `protocol` = "frames are understood"
}

/// A broken rule.
package struct SimulationFailure: Sendable, Equatable {
    package var rule: SimulationRule
    /// One sentence with the values.
    package var what: String
    /// The step at which the rule was found broken.
    package var step: Int

    package init(rule: SimulationRule, what: String, step: Int) {
        self.rule = rule
        self.what = what
        self.step = step
    }
}
