/// Properties of all expressions of a grammar, computed together and without recursion.
struct ExpressionGraph {
    let expressions: [GrammarExpression]
    /// The body of each rule.
    let bodies: [Int32]
    let automata: [ByteAutomaton]

    /// For each expression, whether it matches some finite text.
    func productive() -> [Bool] {
        leastFixpoint { expression in
            switch expression {
            case .never: .never
            case .sequence: .all
            case .choice: .any
            case .repetition(_, let minimum, _): minimum == 0 ? .always : .all
            case .reference: .all
            case .empty, .literal, .set, .automaton, .token, .itemBound: .always
            }
        }
    }

    /// For each expression, whether it matches the empty text.
    func nullable() -> [Bool] {
        leastFixpoint { expression in
            switch expression {
            case .never, .literal, .set, .token, .itemBound: .never
            case .empty: .always
            case .automaton(let number): automata[Int(number)].acceptsEmpty ? .always : .never
            case .sequence, .reference: .all
            case .choice: .any
            case .repetition(_, let minimum, _): minimum == 0 ? .always : .all
            }
        }
    }

    private enum Condition { case always, never, all, any }

    /// The least set of expressions that is closed under a condition on their parts.
    ///
    /// Counts the missing parts of each expression and propagates from satisfied ones (Dowling and Gallier).
    ///
    /// - Complexity: linear in expressions and parts.
    private func leastFixpoint(_ condition: (GrammarExpression) -> Condition) -> [Bool] {
        var missing = [Int32](repeating: 0, count: expressions.count)
        var offsets = [Int32](repeating: 0, count: expressions.count + 1)
        var work: [Int32] = []
        for (index, expression) in expressions.enumerated() {
            let condition = condition(expression)
            var count: Int32 = 0
            forEachPart(of: expression) { part in
                offsets[Int(part) + 1] += 1
                count += 1
            }
            missing[index] =
                switch condition {
                case .always: 0
                case .any: 1
                case .all: count
                case .never: .max
                }
            if missing[index] == 0 { work.append(Int32(index)) }
        }
        for index in expressions.indices { offsets[index + 1] += offsets[index] }
        var users = [Int32](repeating: 0, count: Int(offsets[expressions.count]))
        var filled = offsets
        for (index, expression) in expressions.enumerated() {
            forEachPart(of: expression) { part in
                users[Int(filled[Int(part)])] = Int32(index)
                filled[Int(part)] += 1
            }
        }
        while let index = work.popLast() {
            for user in users[Int(offsets[Int(index)])..<Int(offsets[Int(index) + 1])] {
                let user = Int(user)
                guard missing[user] > 0, missing[user] < .max else { continue }
                missing[user] -= 1
                if missing[user] == 0 { work.append(Int32(user)) }
            }
        }
        return missing.map { $0 == 0 }
    }

    /// Visits the children of an expression, or the body of the rule that it refers to.
    @inline(__always)
    private func forEachPart(of expression: GrammarExpression, _ body: (Int32) -> Void) {
        switch expression {
        case .sequence(let parts), .choice(let parts):
            for part in parts { body(part) }
        case .repetition(let part, _, _): body(part)
        case .reference(let rule): body(bodies[Int(rule)])
        default: break
        }
    }

    /// The relation "may begin with" between expressions.
    enum Order {
        /// The relation has no cycle: each expression has a higher rank than every expression that it may begin
        /// with.
        case ranks([Int32])
        /// Left recursion: each of the rules may begin with the next, and the last with the first.
        case cycle([Int32])
    }

    /// Ranks the expressions, or finds left recursion, by a depth-first search with an explicit stack.
    func order(nullable: [Bool]) -> Order {
        enum Visit { case new, open, done }
        var visits = [Visit](repeating: .new, count: expressions.count)
        var ranks = [Int32](repeating: 0, count: expressions.count)
        var rank: Int32 = 0
        // The expressions on the current path, each with the number of its parts that were visited.
        var path: [(index: Int, visited: Int)] = []
        for first in expressions.indices where visits[first] == .new {
            path.append((first, 0))
            visits[first] = .open
            while let last = path.last {
                guard let next = beginning(of: last.index, last.visited, nullable) else {
                    visits[last.index] = .done
                    ranks[last.index] = rank
                    rank += 1
                    path.removeLast()
                    continue
                }
                path[path.count - 1].visited += 1
                switch visits[next] {
                case .done: break
                case .new:
                    visits[next] = .open
                    path.append((next, 0))
                case .open:
                    return .cycle(
                        path.drop { $0.index != next }.compactMap { step in
                            if case .reference(let rule) = expressions[step.index] { rule } else { nil }
                        })
                }
            }
        }
        return .ranks(ranks)
    }

    /// The part with number `position` among the parts that an expression may begin with.
    private func beginning(of index: Int, _ position: Int, _ nullable: [Bool]) -> Int? {
        switch expressions[index] {
        case .sequence(let parts):
            guard position < parts.count, position == 0 || nullable[Int(parts[position - 1])] else { return nil }
            return Int(parts[position])
        case .choice(let parts): return position < parts.count ? Int(parts[position]) : nil
        case .repetition(let body, _, _): return position == 0 ? Int(body) : nil
        case .reference(let rule): return position == 0 ? Int(bodies[Int(rule)]) : nil
        default: return nil
        }
    }
}
