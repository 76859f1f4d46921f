import MartletText

extension Grammar {
    /// The number of expressions that are visited.
    private static let mostVisits = 2_000_000

    /// Refuses a grammar whose texts can be read in more ways at once than the matcher follows.
    ///
    /// Detects ambiguity in the grammar itself, and along the beginnings of texts. Ambiguity that only later text
    /// reveals is detected during generation.
    func refuseAmbiguity(_ limits: GrammarLimits) throws(GrammarError) {
        if let count = openingsAbove(limits.threads) {
            throw GrammarError(
                .limit,
                "At some position the grammar has \(count) continuations at once; the limit is \(limits.threads).")
        }
        if let beginning = ambiguousBeginning(limits) {
            let text = beginning.excerpt(bytes: 32)
            throw GrammarError(
                .limit,
                "A text that begins with '\(text)' can be read in more ways at once than the limit of \(limits.threads)."
            )
        }
    }

    /// The number of ways to continue at some position, if it is above `limit`. No text gets past such a position.
    ///
    /// Positions that are only reached through text are not considered.
    private func openingsAbove(_ limit: Int) -> Int? {
        guard expressions.count > limit else { return nil }
        let graph = ExpressionGraph(expressions: expressions, bodies: rules.map(\.body), automata: automata)
        let nullable = graph.nullable()
        guard case .ranks(let ranks) = graph.order(nullable: nullable) else { return nil }
        // Upper bounds first: shared parts are counted several times.
        var bounds = [Int](repeating: 0, count: expressions.count)
        var suspects: [Int] = []
        for index in expressions.indices.sorted(by: { ranks[$0] < ranks[$1] }) {
            switch expressions[index] {
            case .never, .empty: break
            case .literal, .set, .automaton, .token, .itemBound: bounds[index] = 1
            default:
                for part in beginnings(of: index, nullable) {
                    bounds[index] = min(1 << 30, bounds[index] + bounds[part])
                }
            }
            if bounds[index] > limit { suspects.append(index) }
        }
        var visits = 0
        for suspect in suspects where visits < Self.mostVisits {
            let count = openings(of: suspect, nullable, &visits)
            if count > limit { return count }
        }
        return nil
    }

    /// The parts that an expression may begin with.
    private func beginnings(of index: Int, _ nullable: [Bool]) -> [Int] {
        switch expressions[index] {
        case .sequence(let parts):
            let count = parts.prefix { nullable[Int($0)] }.count
            return parts.prefix(count + 1).map(Int.init)
        case .choice(let parts): return parts.map(Int.init)
        case .repetition(let body, _, _): return [Int(body)]
        case .reference(let rule): return [Int(rules[Int(rule)].body)]
        default: return []
        }
    }

    /// The positions that read something at which `first` may begin, each counted once.
    private func openings(of first: Int, _ nullable: [Bool], _ visits: inout Int) -> Int {
        var seen: Set<Int> = [first]
        var pending = [first]
        var count = 0
        while let index = pending.popLast(), visits < Self.mostVisits {
            let parts = beginnings(of: index, nullable)
            visits += 1 + parts.count
            for part in parts {
                switch expressions[part] {
                case .literal, .set, .automaton, .token, .itemBound: count += 1
                default: if seen.insert(part).inserted { pending.append(part) }
                }
            }
        }
        return count
    }
}
