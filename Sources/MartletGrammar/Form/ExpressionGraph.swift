/// Questions about all expressions of a grammar at once, answered without recursion.
struct ExpressionGraph {
    let expressions: [Expression]
    /// Body of each rule.
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
            case .empty, .literal, .set, .automaton, .token: .always
            }
        }
    }

    /// For each expression, whether it matches the empty text.
    func nullable() -> [Bool] {
        leastFixpoint { expression in
            switch expression {
            case .never, .literal, .set, .token: .never
            case .empty: .always
            case .automaton(let number): automata[Int(number)].accepting[automata[Int(number)].start] ? .always : .never
            case .sequence, .reference: .all
            case .choice: .any
            case .repetition(_, let minimum, _): minimum == 0 ? .always : .all
            }
        }
    }

    private enum Condition { case always, never, all, any }

    /// The smallest set of expressions with which each one's condition on its parts holds.
    private func leastFixpoint(_ condition: (Expression) -> Condition) -> [Bool] {
        var missing = [Int32](repeating: 0, count: expressions.count)
        var offsets = [Int32](repeating: 0, count: expressions.count + 1)
        var work: [Int32] = []
        for (index, expression) in expressions.enumerated() {
            let condition = condition(expression)
            let parts = parts(of: expression)
            missing[index] =
                switch condition {
                case .always: 0
                case .any: 1
                case .all: Int32(parts.count)
                case .never: .max
                }
            if missing[index] == 0 { work.append(Int32(index)) }
            for part in parts { offsets[Int(part) + 1] += 1 }
        }
        for index in expressions.indices { offsets[index + 1] += offsets[index] }
        var users = [Int32](repeating: 0, count: Int(offsets[expressions.count]))
        var filled = offsets
        for (index, expression) in expressions.enumerated() {
            for part in parts(of: expression) {
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

    /// What an expression needs: its children, or the body of the rule.
    private func parts(of expression: Expression) -> [Int32] {
        if case .reference(let rule) = expression { return [bodies[Int(rule)]] }
        return expression.children
    }

    /// The rules of a cycle in which each may begin with the next, or `nil`.
    func leftRecursion() -> [Int32]? {
        let nullable = nullable()
        enum Visit { case new, open, done }
        var visits = [Visit](repeating: .new, count: expressions.count)
        for first in expressions.indices where visits[first] == .new {
            // Expressions on the way from `first`, each with the parts it may begin with that are still to be visited.
            var path: [(index: Int, rest: ArraySlice<Int32>)] = [(first, beginnings(of: first, nullable)[...])]
            visits[first] = .open
            while let last = path.indices.last {
                guard let next = path[last].rest.popFirst().map(Int.init) else {
                    visits[path[last].index] = .done
                    path.removeLast()
                    continue
                }
                switch visits[next] {
                case .done: continue
                case .new:
                    visits[next] = .open
                    path.append((next, beginnings(of: next, nullable)[...]))
                case .open:
                    let cycle = path.drop { $0.index != next }
                    return cycle.compactMap { step in
                        if case .reference(let rule) = expressions[step.index] { rule } else { nil }
                    }
                }
            }
        }
        return nil
    }

    private func beginnings(of index: Int, _ nullable: [Bool]) -> [Int32] {
        guard case .sequence(let parts) = expressions[index] else { return parts(of: expressions[index]) }
        let end = parts.firstIndex { !nullable[Int($0)] } ?? parts.count - 1
        return Array(parts[...end])
    }
}
