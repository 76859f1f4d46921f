/// A prefix tree of alternatives, so that alternatives with equal beginnings are one thread of the matcher until
/// they differ.
///
///     "item 1" x | "item 2" x      becomes  "item " ("1" x | "2" x)
///     [a-z]+ "1" | [a-z]+ "2"      becomes  [a-z]+ ("1" | "2")
///
/// Trees share branches by copy on write: adding an alternative to a copy costs only its own path.
struct ChoiceTree {
    /// The common beginning of all alternatives of a branch.
    private enum Head {
        /// At least one byte; empty only at the root.
        case text([UInt8])
        /// The number of an expression that is neither a literal nor a sequence.
        case part(Int32)
    }

    /// An alternative, or its rest after the head of a branch: a text and further expressions.
    private struct Rest {
        var text: [UInt8]
        var parts: [Int32]

        var isEmpty: Bool { text.isEmpty && parts.isEmpty }
    }

    /// A node of the tree. It is copied before a change if several trees refer to it.
    private final class Branch {
        var head: Head
        /// The only alternative while there is just one; afterwards the empty rest, and rests below the depth
        /// limit.
        var rests: [Rest]
        /// The branches of longer heads. Their texts begin with different bytes, and their expressions differ.
        private(set) var branches: [Branch]
        /// The index in `branches` of each expression.
        private var indexByPart: [Int32: Int] = [:]
        /// The number of the expression that was built of the branch; `nil` after a change.
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

        /// The index of the branch that a rest belongs to.
        func index(of rest: Rest) -> Int? {
            guard let first = rest.text.first else { return rest.parts.first.flatMap { indexByPart[$0] } }
            return branches.firstIndex { if case .text(let text) = $0.head { text.first == first } else { false } }
        }

        /// Adds a branch.
        func append(_ branch: Branch) {
            if case .part(let part) = branch.head { indexByPart[part] = branches.count }
            branches.append(branch)
        }

        /// Splits the branch at an index after `count` bytes of its text.
        func split(_ index: Int, behind count: Int) {
            guard case .text(let text) = branches[index].head, count < text.count else { return }
            let lower = Branch(copying: branches[index])
            lower.head = .text(Array(text[count...]))
            branches[index] = Branch(.text(Array(text[..<count])), rests: [])
            branches[index].append(lower)
        }

        /// Changes the branch at an index in place.
        func change(_ index: Int, _ change: (inout Branch) -> Void) { change(&branches[index]) }
    }

    private var root = Branch(.text([]), rests: [])
    /// The depth below which alternatives are stored without sharing; bounds the recursion.
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

    /// Decomposes expressions into a leading text and the rest.
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

    /// Adds a rest to a branch that is not the root. The only rest so far is first moved to a branch of its own.
    private static func add(_ rest: Rest, to branch: inout Branch, depth: Int, _ expressions: [GrammarExpression]) {
        own(&branch)
        if branch.branches.isEmpty, branch.rests.count == 1, depth < mostDepth {
            let only = self.rest(branch.rests.removeLast().parts, of: expressions)
            insert(only, into: &branch, depth: depth, expressions)
        }
        insert(rest, into: &branch, depth: depth, expressions)
    }

    /// Makes a branch unique to this tree.
    private static func own(_ branch: inout Branch) {
        if !isKnownUniquelyReferenced(&branch) { branch = Branch(copying: branch) }
        branch.number = nil
    }

    /// - Parameter rest: the part of the alternative after the head of `branch`.
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

    /// The number of the expression that matches any of the alternatives.
    ///
    /// - Parameter add: returns the number of an expression, adding it if it is new.
    func number(_ add: (GrammarExpression) -> Int32) -> Int32 { Self.number(of: root, add) }

    /// Builds the expression of a branch; the recursion is at most `mostDepth` deep.
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
    /// A growing set of alternatives that is used as a choice several times while it grows.
    package struct Alternatives {
        fileprivate var tree = ChoiceTree()

        package init() {}
    }

    /// Adds an alternative.
    package mutating func add(_ node: Node, to alternatives: inout Alternatives) {
        if node.index != 0 { alternatives.tree.add(node.index, of: expressions) }
    }

    /// The choice of all alternatives added so far.
    package mutating func choice(of alternatives: Alternatives) -> Node {
        // The builder is moved out, as the closure changes it.
        var builder = GrammarBuilder(limits: limits)
        swap(&builder, &self)
        let number = alternatives.tree.number { builder.node($0).index }
        swap(&builder, &self)
        return Node(index: number)
    }
}
