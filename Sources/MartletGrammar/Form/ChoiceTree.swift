/// Alternatives put together by what they begin with, so that texts that begin alike are one way and not several.
///
/// `"item 1" x | "item 2" x` is `"item " ("1" x | "2" x)`, and `[a-z]+ "1" | [a-z]+ "2"` is `[a-z]+ ("1" | "2")`. A
/// value whose parts are shared: one with a further alternative costs what is new in it.
struct ChoiceTree {
    /// What all alternatives of a branch begin with.
    private enum Head {
        /// One byte or more; only at the root none.
        case text([UInt8])
        /// An expression that is no literal and no sequence.
        case part(Int32)
    }

    /// One alternative, or the rest of it behind a beginning: a text and further parts.
    private struct Rest {
        var text: [UInt8]
        var parts: [Int32]

        var isEmpty: Bool { text.isEmpty && parts.isEmpty }
    }

    /// Copied where it is part of several trees, and mutated otherwise.
    private final class Branch {
        var head: Head
        /// The only alternative, as long as there is one; otherwise none but the empty text and those that lie too
        /// deep.
        var rests: [Rest]
        /// Their texts begin with different bytes, and their parts are different.
        private(set) var branches: [Branch]
        /// Where the branch is that begins with a part.
        private var indexByPart: [Int32: Int] = [:]
        /// The expression that it became.
        var number: Int32?

        init(_ head: Head, rests: [Rest]) {
            self.head = head
            self.rests = rests
            branches = []
        }

        init(copying other: Branch) {
            head = other.head
            rests = other.rests
            branches = other.branches
            indexByPart = other.indexByPart
        }

        /// Where an alternative that begins with this belongs.
        func index(of rest: Rest) -> Int? {
            guard let first = rest.text.first else { return rest.parts.first.flatMap { indexByPart[$0] } }
            return branches.firstIndex { if case .text(let text) = $0.head { text.first == first } else { false } }
        }

        func append(_ branch: Branch) {
            if case .part(let part) = branch.head { indexByPart[part] = branches.count }
            branches.append(branch)
        }

        /// Splits the branch at an index, which begins with a text, behind so many bytes of that.
        func split(_ index: Int, behind count: Int) {
            guard case .text(let text) = branches[index].head, count < text.count else { return }
            let lower = Branch(copying: branches[index])
            lower.head = .text(Array(text[count...]))
            branches[index] = Branch(.text(Array(text[..<count])), rests: [])
            branches[index].append(lower)
        }

        /// Changes the branch at an index.
        func change(_ index: Int, _ change: (inout Branch) -> Void) { change(&branches[index]) }
    }

    private var root = Branch(.text([]), rests: [])
    /// Branches on one way; a deeper alternative is kept as it is.
    private static let mostDepth = 128

    init() {}

    /// Adds an expression; of a choice, each alternative.
    mutating func add(_ number: Int32, of expressions: [GrammarExpression]) {
        var pending = [number]
        var seen: Set<Int32> = []
        while let next = pending.popLast() {
            if case .choice(let alternatives) = expressions[Int(next)] {
                if seen.insert(next).inserted { pending += alternatives.reversed() }
            } else {
                Self.insert(Self.rest([next], of: expressions), into: &root, depth: 0, expressions)
            }
        }
    }

    private static func rest(_ parts: [Int32], of expressions: [GrammarExpression]) -> Rest {
        var parts = parts
        while let first = parts.first {
            switch expressions[Int(first)] {
            case .empty: parts.removeFirst()
            case .sequence(let own): parts.replaceSubrange(0..<1, with: own)
            case .literal(let text): return Rest(text: text, parts: Array(parts.dropFirst()))
            default: return Rest(text: [], parts: parts)
            }
        }
        return Rest(text: [], parts: [])
    }

    /// Adds an alternative to a branch that is not the root: an only one before is first put where it belongs.
    private static func add(_ rest: Rest, to branch: inout Branch, depth: Int, _ expressions: [GrammarExpression]) {
        own(&branch)
        if branch.branches.isEmpty, branch.rests.count == 1, depth < mostDepth {
            let only = self.rest(branch.rests.removeLast().parts, of: expressions)
            insert(only, into: &branch, depth: depth, expressions)
        }
        insert(rest, into: &branch, depth: depth, expressions)
    }

    private static func own(_ branch: inout Branch) {
        if !isKnownUniquelyReferenced(&branch) { branch = Branch(copying: branch) }
        branch.number = nil
    }

    /// - Parameter rest: what follows the head of `branch`.
    private static func insert(_ rest: Rest, into branch: inout Branch, depth: Int, _ expressions: [GrammarExpression])
    {
        own(&branch)
        guard !rest.isEmpty, depth < mostDepth else {
            branch.rests.append(rest)
            return
        }
        guard let index = branch.index(of: rest) else {
            let (head, parts) =
                rest.text.isEmpty
                ? (Head.part(rest.parts[0]), Array(rest.parts.dropFirst())) : (.text(rest.text), rest.parts)
            branch.append(Branch(head, rests: [Rest(text: [], parts: parts)]))
            return
        }
        var behind = rest
        switch branch.branches[index].head {
        case .part: behind.parts.removeFirst()
        case .text(let text):
            let common = zip(text, rest.text).prefix { $0 == $1 }.count
            branch.split(index, behind: common)
            behind.text.removeFirst(common)
        }
        if behind.text.isEmpty { behind = self.rest(behind.parts, of: expressions) }
        branch.change(index) { add(behind, to: &$0, depth: depth + 1, expressions) }
    }

    /// The expression that matches what any of the alternatives does.
    ///
    /// - Parameter add: gives an expression its number.
    func number(_ add: (GrammarExpression) -> Int32) -> Int32 { Self.number(of: root, add) }

    /// Calls itself at most `mostDepth` times deep.
    private static func number(of branch: Branch, _ add: (GrammarExpression) -> Int32) -> Int32 {
        if let known = branch.number { return known }
        var alternatives: [Int32] = []
        for rest in branch.rests {
            alternatives.append(sequence((rest.text.isEmpty ? [] : [add(.literal(rest.text))]) + rest.parts, add))
        }
        for next in branch.branches { alternatives.append(number(of: next, add)) }
        let kept = GrammarExpression.distinct(alternatives)
        var parts: [Int32] = []
        switch branch.head {
        case .text(let text): if !text.isEmpty { parts = [add(.literal(text))] }
        case .part(let part): parts = [part]
        }
        if branch.branches.isEmpty, branch.rests.count == 1, branch.rests[0].text.isEmpty {
            parts += branch.rests[0].parts
        } else {
            parts.append(kept.count < 2 ? kept.first ?? 0 : add(.choice(kept)))
        }
        let number = sequence(parts, add)
        branch.number = number
        return number
    }

    private static func sequence(_ parts: [Int32], _ add: (GrammarExpression) -> Int32) -> Int32 {
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
