/// Steps that may still be taken to make grammars of schemas, each of about a microsecond.
///
/// They are counted where the work is, so that a schema is taken or refused on any machine alike. A class, as all parts
/// of one compilation draw on it.
package final class CompileBudget {
    private let limit: Int
    private let whole: CompileBudget?
    /// What draws on it.
    private let subject: String
    package private(set) var usedSteps = 0

    /// - Parameter whole: what this and others draw on together.
    package init(limit: Int = .max, within whole: CompileBudget? = nil, for subject: String = "the schema takes") {
        self.limit = limit
        self.whole = whole
        self.subject = subject
    }

    var left: Int { max(0, min(limit - usedSteps, whole?.left ?? .max)) }

    /// - Returns: whether so much was left.
    func spend(_ steps: Int) -> Bool {
        usedSteps += steps
        let isLeft = whole?.spend(steps) ?? true
        return isLeft && usedSteps <= limit
    }

    /// In front of tables of transitions that take long to make.
    func allow(transitions: Int) throws(RegexError) {
        guard transitions / Self.transitionsOfStep <= left else {
            throw RegexError(message: reason(for: transitions / Self.transitionsOfStep))
        }
    }

    /// For tables of transitions that were made.
    func spend(transitions: Int) throws(RegexError) {
        guard spend(transitions / Self.transitionsOfStep) else { throw RegexError(message: reason) }
    }

    private static let transitionsOfStep = 32

    /// Why it is refused, when nothing is left.
    var reason: String { reason(for: 0) }

    /// Why it is refused, when so many steps more would be too many.
    private func reason(for steps: Int) -> String {
        if usedSteps + steps <= limit, let whole {
            return whole.reason(for: steps)
        }
        return "\(subject) more than \(limit) steps to compile"
    }
}
