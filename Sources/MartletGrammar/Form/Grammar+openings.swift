extension Grammar {
    /// Places and rules that are looked at.
    private static let mostVisits = 2_000_000

    /// Refuses a grammar whose texts can be read in more ways at once than the matcher follows, as far as that shows in
    /// front of a text: in the grammar itself, and along the texts' beginnings.
    func refuseAmbiguity(_ limits: GrammarLimits) throws(GrammarError) {
        if let count = openingsAbove(limits.threads) {
            throw GrammarError(
                .limit,
                "The grammar has a place at which it can be gone on in \(count) ways; the limit is \(limits.threads).")
        }
        if let beginning = ambiguousBeginning(limits) {
            let text = String(decoding: beginning.prefix(32), as: UTF8.self)
            throw GrammarError(
                .limit,
                "A text that begins with '\(text)' can be read in more ways at once than the limit of \(limits.threads)."
            )
        }
    }

    /// How many ways there are at once to go on at some place, where that is more than `limit`: no text comes past it.
    ///
    /// Nothing is said of the places that only texts lead to.
    private func openingsAbove(_ limit: Int) -> Int? {
        guard expressions.count > limit else { return nil }
        let graph = ExpressionGraph(expressions: expressions, bodies: rules.map(\.body), automata: automata)
        let nullable = graph.nullable()
        guard case .ranks(let ranks) = graph.order(nullable: nullable) else { return nil }
        // At most so many: what several parts begin with is counted for each.
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

    /// The parts with which an expression may begin.
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

    /// Places at which something is read where `first` begins; what is shared counts once.
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
