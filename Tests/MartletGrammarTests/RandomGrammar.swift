import MartletGrammar

/// A small random grammar with a plain interpreter of its texts.
struct RandomGrammar: CustomStringConvertible {
    indirect enum Term {
        case text([UInt8])
        case set(ByteSet)
        case sequence([Term])
        case choice([Term])
        case repetition(Term, Int, Int?)
        case rule(Int)
        case anything(until: String, consuming: Bool)
    }

    var rules: [Term]
    static let letters: [UInt8] = Array("ab".utf8)

    init(rules: [Term]) { self.rules = rules }

    init(using random: inout some RandomNumberGenerator) {
        rules = []
        let count = Int.random(in: 1...4, using: &random)
        for _ in 0..<count { rules.append(Self.term(depth: 3, ruleCount: count, &random)) }
    }

    private static func letter(_ random: inout some RandomNumberGenerator) -> UInt8 {
        letters[Int.random(in: 0..<2, using: &random)]
    }

    /// - Parameter ruleCount: the number of rules that may be referred to.
    static func term(depth: Int, ruleCount: Int, _ random: inout some RandomNumberGenerator) -> Term {
        var kind = Int.random(in: depth == 0 ? 6...11 : 0...11, using: &random)
        if ruleCount == 0, 6...8 ~= kind { kind = 9 }
        func inner(_ random: inout some RandomNumberGenerator) -> Term {
            term(depth: depth - 1, ruleCount: ruleCount, &random)
        }
        switch kind {
        case 0, 1, 2: return .sequence((0..<Int.random(in: 1...3, using: &random)).map { _ in inner(&random) })
        case 3, 4: return .choice((0..<Int.random(in: 1...3, using: &random)).map { _ in inner(&random) })
        case 5:
            let minimum = Int.random(in: 0...3, using: &random)
            let maximum = Bool.random(using: &random) ? nil : minimum + Int.random(in: 0...3, using: &random)
            return .repetition(inner(&random), minimum, maximum)
        case 6, 7:
            return .sequence([
                .text([letter(&random)]), .rule(Int.random(in: 0..<ruleCount, using: &random)),
            ])
        case 8: return .rule(Int.random(in: 0..<ruleCount, using: &random))
        case 9: return .set(ByteSet(letters))
        case 10 where Int.random(in: 0..<4, using: &random) == 0:
            return .anything(
                until: ["a", "ab", "aab"][Int.random(in: 0..<3, using: &random)], consuming: Bool.random(using: &random)
            )
        default:
            return .text(
                (0..<Int.random(in: 0...2, using: &random)).map { _ in letter(&random) })
        }
    }

    /// - Returns: `nil` if the builder refuses the grammar.
    func grammar(refusesDeadEnds: Bool = true) -> Grammar? {
        var builder = GrammarBuilder()
        let numbers = rules.indices.map { builder.rule(named: "r\($0)") }
        for (rule, term) in zip(numbers, rules) {
            guard let node = try? node(term, numbers, &builder) else { return nil }
            builder.define(rule, as: node)
        }
        return try? builder.finish(root: numbers[0], refusesDeadEnds: refusesDeadEnds)
    }

    func node(
        _ term: Term, _ rules: [GrammarBuilder.Rule], _ builder: inout GrammarBuilder
    ) throws -> GrammarBuilder.Node {
        switch term {
        case .text(let bytes): return builder.bytes(bytes)
        case .set(let set): return builder.byteSet(set)
        case .sequence(let parts):
            var nodes: [GrammarBuilder.Node] = []
            for part in parts { nodes.append(try node(part, rules, &builder)) }
            return builder.sequence(nodes)
        case .choice(let parts):
            var nodes: [GrammarBuilder.Node] = []
            for part in parts { nodes.append(try node(part, rules, &builder)) }
            return builder.choice(nodes)
        case .repetition(let term, let minimum, let maximum):
            return try builder.repetition(node(term, rules, &builder), minimum, maximum)
        case .rule(let rule): return builder.reference(rules[rule])
        case .anything(let delimiter, let consuming):
            return builder.anything(until: [delimiter], consumingDelimiter: consuming)
        }
    }

    /// The ends of matches of `term` that begin at `start`, and whether a match may continue after the end of `text`.
    ///
    /// It terminates, since no rule begins with itself.
    func match(_ term: Term, _ text: [UInt8], _ start: Int) -> (ends: Set<Int>, continues: Bool) {
        switch term {
        case .text(let bytes):
            let rest = text[start...]
            if rest.count < bytes.count { return ([], bytes.starts(with: rest)) }
            return rest.starts(with: bytes) ? ([start + bytes.count], start + bytes.count == text.count) : ([], false)
        case .set(let set):
            if start == text.count { return ([], true) }
            return set.contains(text[start]) ? ([start + 1], start + 1 == text.count) : ([], false)
        case .sequence(let parts):
            var starts: Set<Int> = [start]
            var continues = false
            for part in parts {
                var ends: Set<Int> = []
                for start in starts {
                    let match = match(part, text, start)
                    ends.formUnion(match.ends)
                    continues = continues || match.continues
                }
                starts = ends
            }
            return (starts, continues || starts.contains(text.count))
        case .choice(let parts):
            return parts.map { match($0, text, start) }.reduce(([], false)) {
                ($0.0.union($1.ends), $0.1 || $1.continues)
            }
        case .repetition(let term, let minimum, let maximum):
            var (result, continues): (Set<Int>, Bool) = ([], false)
            var starts: Set<Int> = [start]
            var seen: Set<Set<Int>> = []
            var count = 0
            while true {
                if count >= minimum { result.formUnion(starts) }
                // Sets of starts repeat once only empty matches remain.
                if count == maximum || starts.isEmpty || (count >= minimum && !seen.insert(starts).inserted) { break }
                var ends: Set<Int> = []
                for start in starts {
                    let match = match(term, text, start)
                    ends.formUnion(match.ends)
                    continues = continues || match.continues
                }
                starts = ends
                count += 1
            }
            return (result, continues || result.contains(text.count))
        case .rule(let rule): return match(rules[rule], text, start)
        case .anything(let delimiter, let consuming):
            let delimiter = Array(delimiter.utf8)
            for end in start...text.count where text[start..<end].suffix(delimiter.count) == delimiter[...] {
                return consuming ? ([end], end == text.count) : (Set(start..<end), false)
            }
            return (consuming ? [] : Set(start...text.count), true)
        }
    }

    /// Whether `text` is one of the grammar's texts, and whether it is the beginning of one.
    func membership(_ text: [UInt8]) -> (isWhole: Bool, isBeginning: Bool) {
        let match = match(rules[0], text, 0)
        let isWhole = match.ends.contains(text.count)
        return (isWhole, isWhole || match.continues)
    }

    var description: String { rules.enumerated().map { "r\($0) = \($1)" }.joined(separator: "\n") }
}
