/// Translates expressions into points, without recursion.
///
/// Rules are emitted when they are first called. A part of a grammar can thus become a program of its own, which
/// `RegularParts` uses.
struct ProgramBuilder {
    let source: ProgramSource
    /// The expressions that are replaced by one automaton.
    let automata: [Int32: ByteAutomaton]
    private var parts = GrammarProgram.Parts()
    private var ruleNumbers: [RuleKey: Int32] = [:]
    private var pending: [RuleKey] = []
    private var automatonNumbers: [ByteAutomaton: Int32] = [:]

    /// An expression that becomes a rule of the program.
    private enum RuleKey: Hashable {
        /// The texts of the expression.
        case expression(Int32)
        /// The counted repetition that the expression is.
        case counter(Int32)

        var expression: Int32 {
            switch self {
            case .expression(let index), .counter(let index): index
            }
        }
    }

    /// An expression that is to be emitted at a reserved point.
    private struct Work {
        var expression: Int32
        var point: Int32
        var next: Int32
    }

    init(source: ProgramSource, automata: [Int32: ByteAutomaton] = [:]) {
        self.source = source
        self.automata = automata
    }

    /// The program that matches the texts of `expression`.
    consuming func program(for expression: Int32) -> GrammarProgram {
        _ = rule(.expression(expression))
        while let key = pending.popLast() {
            guard let number = ruleNumbers[key] else { continue }
            switch key {
            case .expression(let body): parts.rules[Int(number)].entry = emit(rule: body)
            case .counter(let repetition): parts.rules[Int(number)].entry = emit(counter: repetition)
            }
        }
        return GrammarProgram(parts, limits: source.limits)
    }

    /// The number of a rule; a new one is added to `pending`.
    private mutating func rule(_ key: RuleKey) -> Int32 {
        if let number = ruleNumbers[key] { return number }
        let number = Int32(parts.rules.count)
        ruleNumbers[key] = number
        pending.append(key)
        let rank = 2 * source.ranks[Int(key.expression)]
        parts.rules.append(
            .init(
                entry: 0, isNullable: source.nullable[Int(key.expression)],
                // A rule whose body is a counter begins with that counter, so it needs a higher rank.
                rank: key == .counter(key.expression) ? rank : rank + 1))
        return number
    }

    private mutating func add(_ point: Point) -> Int32 {
        parts.points.append(point)
        return Int32(parts.points.count - 1)
    }

    /// Emits the entry of a counted repetition.
    private mutating func emit(counter repetition: Int32) -> Int32 {
        guard case .repetition(let body, let minimum, let maximum) = source.expressions[Int(repetition)] else {
            // The key `.counter` is created in one place, where the expression is known to be a repetition.
            preconditionFailure("a counter of something that is no repetition")
        }
        parts.counters.append(
            Counter(
                body: rule(.expression(body)), minimum: minimum, maximum: maximum ?? Counter.endless,
                isBodyNullable: source.nullable[Int(body)]))
        return add(Point(kind: .count, first: Int32(parts.counters.count - 1)))
    }

    /// Emits the points of a rule.
    private mutating func emit(rule body: Int32) -> Int32 {
        let end = add(Point(kind: .end))
        let entry = add(Point(kind: .end))
        var work: [Work] = []
        // The body itself must be emitted, although it is shared.
        emit(Work(expression: body, point: entry, next: end), isShared: false, &work)
        while let next = work.popLast() {
            emit(next, isShared: source.isShared[Int(next.expression)], &work)
        }
        return entry
    }

    /// Emits one expression at its reserved point.
    private mutating func emit(_ item: Work, isShared: Bool, _ work: inout [Work]) {
        let (index, next) = (item.expression, item.next)
        let point: Point
        if let automaton = automata[index] {
            point = Point(kind: .automaton, first: number(of: automaton), next: next)
        } else if isShared {
            point = Point(kind: .call, first: rule(.expression(index)), next: next)
        } else {
            switch source.expressions[Int(index)] {
            case .never: point = split([])
            case .empty: point = split([next])
            case .literal(let bytes): point = literal(bytes, next: next)
            case .set(let set):
                parts.sets.append(set)
                point = Point(kind: .set, first: Int32(parts.sets.count - 1), next: next)
            case .automaton(let number):
                point = Point(kind: .automaton, first: self.number(of: source.automata[Int(number)]), next: next)
            case .token(let term):
                switch source.terms[term] {
                case .bytes(let bytes): point = literal(bytes, next: next)
                case .some(let resolved):
                    parts.terms.append(resolved)
                    point = Point(kind: .token, first: Int32(parts.terms.count - 1), next: next)
                case .none: point = split([])
                }
            case .itemBound(let byte, let opens):
                point = Point(kind: .itemBound, first: Int32(byte), second: opens ? 1 : 0, next: next)
            case .reference(let rule):
                point = Point(kind: .call, first: self.rule(.expression(source.bodies[Int(rule)])), next: next)
            case .sequence(let expressions):
                emit(sequence: expressions, item, &work)
                return
            case .choice(let expressions):
                let points = expressions.map { expression in
                    let point = add(Point(kind: .end))
                    work.append(Work(expression: expression, point: point, next: next))
                    return point
                }
                point = split(points)
            case .repetition(let body, let minimum, let maximum):
                point = repetition(index, body, minimum, maximum, item, &work)
            }
        }
        parts.points[Int(item.point)] = point
    }

    /// Reserves a point for each part of a sequence; the part's own points follow from the work list.
    private mutating func emit(sequence expressions: [Int32], _ item: Work, _ work: inout [Work]) {
        var point = item.point
        for (position, expression) in expressions.enumerated() {
            let next = position + 1 < expressions.count ? add(Point(kind: .end)) : item.next
            work.append(Work(expression: expression, point: point, next: next))
            point = next
        }
    }

    /// The point of a repetition: `?`, `*` and `+` are splits and loops, all others are counters.
    private mutating func repetition(
        _ index: Int32, _ body: Int32, _ minimum: Int32, _ maximum: Int32?, _ item: Work, _ work: inout [Work]
    ) -> Point {
        switch (minimum, maximum) {
        case (0, 1):
            let point = add(Point(kind: .end))
            work.append(Work(expression: body, point: point, next: item.next))
            return split([point, item.next])
        case (0, nil), (1, nil):
            let loop = minimum == 0 ? item.point : add(Point(kind: .end))
            let point = add(Point(kind: .end))
            work.append(Work(expression: body, point: point, next: loop))
            if minimum == 0 { return split([point, item.next]) }
            parts.points[Int(loop)] = split([point, item.next])
            return split([point])
        default:
            return Point(kind: .call, first: rule(.counter(index)), next: item.next)
        }
    }

    /// A point that continues at several points without reading.
    private mutating func split(_ points: [Int32]) -> Point {
        let first = Int32(parts.targets.count)
        parts.targets += points
        return Point(kind: .split, first: first, second: Int32(points.count))
    }

    private mutating func literal(_ bytes: [UInt8], next: Int32) -> Point {
        let first = Int32(parts.literals.count)
        parts.literals += bytes
        return Point(kind: .literal, first: first, second: Int32(bytes.count), next: next)
    }

    private mutating func number(of automaton: ByteAutomaton) -> Int32 {
        if let number = automatonNumbers[automaton] { return number }
        let number = Int32(parts.automata.count)
        automatonNumbers[automaton] = number
        parts.automata.append(ProgramAutomaton(automaton))
        return number
    }
}
