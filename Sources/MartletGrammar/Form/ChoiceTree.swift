/// Alternatives put together by what they begin with, so that texts that begin alike are one way and not several.
///
/// A value whose parts are shared: one with a further alternative costs what is new in it. A tree after the texts that the
/// alternatives begin with; those that begin with no text are kept beside it.
struct ChoiceTree {
    /// One alternative, or what is left of it behind a beginning: a text and further parts.
    private struct Rest {
        var text: [UInt8]
        var parts: [Int32]
    }

    /// Copied where it is part of several trees, and changed in place otherwise.
    private final class Branch {
        var text: [UInt8]
        var rests: [Rest]
        /// Their texts begin with different bytes.
        var branches: [Branch]
        /// The expression that it became.
        var number: Int32?

        init(_ text: [UInt8], _ rests: [Rest], _ branches: [Branch]) {
            self.text = text
            self.rests = rests
            self.branches = branches
        }
    }

    private var root = Branch([], [], [])
    /// Branches on one way; what comes deeper is kept as it is.
    private static let mostDepth = 128

    init() {}

    /// Adds an expression, of which the text that it begins with is looked at; of a choice, each alternative's.
    mutating func add(_ number: Int32, of expressions: [Expression]) {
        var pending = [number]
        var seen: Set<Int32> = []
        while let next = pending.popLast() {
            if case .choice(let alternatives) = expressions[Int(next)] {
                if seen.insert(next).inserted { pending += alternatives.reversed() }
            } else {
                Self.add(Self.rest(next, of: expressions), to: &root, depth: 0)
            }
        }
    }

    private static func rest(_ number: Int32, of expressions: [Expression]) -> Rest {
        // `empty` is no part.
        var parts = number == 1 ? [] : [number]
        while let first = parts.first {
            switch expressions[Int(first)] {
            case .sequence(let own): parts.replaceSubrange(0..<1, with: own)
            case .literal(let text): return Rest(text: text, parts: Array(parts.dropFirst()))
            default: return Rest(text: [], parts: parts)
            }
        }
        return Rest(text: [], parts: parts)
    }

    /// - Parameter rest: what follows the text of `branch`.
    private static func add(_ rest: Rest, to branch: inout Branch, depth: Int) {
        if !isKnownUniquelyReferenced(&branch) { branch = Branch(branch.text, branch.rests, branch.branches) }
        branch.number = nil
        guard let first = rest.text.first, depth < mostDepth else {
            branch.rests.append(rest)
            return
        }
        guard let place = branch.branches.firstIndex(where: { $0.text.first == first }) else {
            branch.branches.append(Branch(rest.text, [Rest(text: [], parts: rest.parts)], []))
            return
        }
        let text = branch.branches[place].text
        let common = zip(text, rest.text).prefix { $0 == $1 }.count
        if common < text.count {
            let next = branch.branches[place]
            let lower = Branch(Array(text[common...]), next.rests, next.branches)
            branch.branches[place] = Branch(Array(text[..<common]), [], [lower])
        }
        let behind = Rest(text: Array(rest.text[common...]), parts: rest.parts)
        add(behind, to: &branch.branches[place], depth: depth + 1)
    }

    /// The expression that matches what any of the alternatives does.
    ///
    /// - Parameter add: gives an expression its number.
    func number(_ add: (Expression) -> Int32) -> Int32 { Self.number(of: root, add) }

    /// Calls itself at most `mostDepth` times deep.
    private static func number(of branch: Branch, _ add: (Expression) -> Int32) -> Int32 {
        if let known = branch.number { return known }
        var alternatives: [Int32] = []
        for rest in branch.rests {
            alternatives.append(sequence((rest.text.isEmpty ? [] : [add(.literal(rest.text))]) + rest.parts, add))
        }
        for next in branch.branches { alternatives.append(number(of: next, add)) }
        let kept = Expression.distinct(alternatives)
        var parts = branch.text.isEmpty ? [] : [add(.literal(branch.text))]
        if branch.branches.isEmpty, branch.rests.count == 1, branch.rests[0].text.isEmpty {
            parts += branch.rests[0].parts
        } else {
            parts.append(kept.count < 2 ? kept.first ?? 0 : add(.choice(kept)))
        }
        let number = sequence(parts, add)
        branch.number = number
        return number
    }

    private static func sequence(_ parts: [Int32], _ add: (Expression) -> Int32) -> Int32 {
        parts.count < 2 ? parts.first ?? 1 : add(.sequence(parts))
    }
}

extension GrammarBuilder {
    /// Alternatives of this builder, to which more are added in front of each use.
    package struct Alternatives {
        fileprivate var tree = ChoiceTree()

        package init() {}
    }

    package mutating func add(_ node: Node, to alternatives: inout Alternatives) {
        if node.index != 0 { alternatives.tree.add(node.index, of: expressions) }
    }

    /// The choice of all alternatives so far.
    package mutating func choice(of alternatives: Alternatives) -> Node {
        // Taken out, as it is added to within.
        var builder = GrammarBuilder(limits: limits)
        swap(&builder, &self)
        let number = alternatives.tree.number { builder.node($0).index }
        swap(&builder, &self)
        return Node(index: number)
    }
}
