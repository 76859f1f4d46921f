/// A count of the steps that the compilation of schemas may still use.
///
/// A step is about a microsecond on the reference machine. Steps are counted where the work happens and never
/// measured with a clock, so that every machine accepts and refuses the same schemas.
///
/// Budgets nest: a schema's budget (24,000 steps) lies within the budget of all tools of a request (36,000 steps), and
/// the budget of its patterns (half of what is left) lies within the schema's. A step counts in each of them.
///
/// It is a class because all parts of a compilation share one count. It belongs to one compilation, thus to one
/// task, and has no lock.
package final class CompileBudget {
    private let limit: Int
    /// The budget that this one is a part of; `nil` for the outermost.
    private let whole: CompileBudget?
    /// The beginning of the error text: "the schema takes" more than 24000 steps to compile.
    private let subject: String
    /// The steps that were used, including the one that passed the limit.
    package private(set) var usedSteps = 0

    /// Creates a budget of which nothing is used.
    ///
    /// - Parameters:
    ///   - limit: the number of steps.
    ///   - whole: the budget of which this one is a part.
    ///   - subject: subject and verb of the sentence that `reason` forms.
    package init(limit: Int = .max, within whole: CompileBudget? = nil, for subject: String = "the schema takes") {
        self.limit = limit
        self.whole = whole
        self.subject = subject
    }

    /// The number of steps that this budget and all budgets around it have left; never negative.
    var left: Int { max(0, min(limit - usedSteps, whole?.left ?? .max)) }

    /// Uses steps of this budget and of all budgets around it.
    ///
    /// - Returns: whether no limit was passed. The steps are counted in either case.
    func spend(_ steps: Int) -> Bool {
        usedSteps += steps
        let isLeft = whole?.spend(steps) ?? true
        return isLeft && usedSteps <= limit
    }

    /// Checks before a table is built that the budget has enough steps for it; uses none.
    func allow(transitions: Int) throws(RegexError) {
        guard transitions / Self.transitionsOfStep <= left else {
            throw RegexError(message: reason(for: transitions / Self.transitionsOfStep))
        }
    }

    /// Uses the steps for a table of transitions that was built.
    func spend(transitions: Int) throws(RegexError) {
        guard spend(transitions / Self.transitionsOfStep) else { throw RegexError(message: reason) }
    }

    /// The number of transitions of a table that can be filled in one step.
    private static let transitionsOfStep = 32

    /// The clause that says which limit was passed.
    var reason: String { reason(for: 0) }

    /// The clause that says which limit `steps` more would pass: this budget's, or that of a budget around it.
    private func reason(for steps: Int) -> String {
        if usedSteps + steps <= limit, let whole {
            return whole.reason(for: steps)
        }
        return "\(subject) more than \(limit) steps to compile"
    }
}
