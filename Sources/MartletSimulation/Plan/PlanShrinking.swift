/// Makes a failing plan smaller: fewer actors, fewer faults, fewer steps, with the same broken rule.
package enum PlanShrinking {
    /// The smallest failing plan that is found.
    /// - Parameters:
    ///   - plan: a plan that breaks a rule.
    ///   - limit: the largest number of runs.
    ///   - failure: runs a plan; nil = no rule is broken.
    package static func smallest(
        _ plan: SimulationPlan, limit: Int = 400, failure: (SimulationPlan) -> SimulationFailure?
    ) -> SimulationPlan {
        guard let rule = failure(plan)?.rule else { return plan }
        var best = plan
        var runs = 1
        func fails(_ candidate: SimulationPlan) -> Bool {
            guard runs < limit, candidate != best else { return false }
            runs += 1
            return failure(candidate)?.rule == rule
        }
        var isSmaller = true
        while isSmaller {
            isSmaller = false
            for part in [\SimulationPlan.faults, \SimulationPlan.actors] {
                for candidate in removals(best[keyPath: part]) {
                    var smaller = best
                    smaller[keyPath: part] = candidate
                    guard candidate.count < best[keyPath: part].count, fails(smaller) else { continue }
                    best = smaller
                    isSmaller = true
                }
            }
            for steps in [best.steps / 4, best.steps / 2, best.steps * 3 / 4, best.steps * 9 / 10] {
                var smaller = best
                smaller.steps = steps
                guard steps < best.steps, fails(smaller) else { continue }
                best = smaller
                isSmaller = true
                break
            }
        }
        return best
    }

    /// The list without its halves, and without each single element.
    private static func removals(_ list: [Int]) -> [[Int]] {
        guard !list.isEmpty else { return [] }
        let half = list.count / 2
        let halves = list.count > 2 ? [Array(list[half...]), Array(list[..<half])] : []
        return [[]] + halves + list.indices.map { index in Array(list[..<index] + list[(index + 1)...]) }
    }
}
