/// The effect of whole sets of tokens on an automaton, state by state.
///
/// `SafeText` is text that is never special in a JSON string; words are letters and digits. If every text of such a set
/// leads on, a mask includes all its tokens at once, without looking at each.
struct AutomatonSlices {
    /// The effect of safe text on a state.
    enum Safe: Equatable {
        /// Any safe text of any length leads on.
        case closed
        /// No safe text leads on.
        case dead
        /// Every safe character leads to this state.
        case uniform(Int32)
        case other
    }

    private let safe: [Safe]
    /// Whether any sequence of letters and digits leads on.
    private let words: [Bool]

    /// The effect of safe text; `other` for a state with a count.
    func safe(_ state: Int32) -> Safe { Int(state) < safe.count ? safe[Int(state)] : .other }

    /// Whether any sequence of letters and digits leads on from a state.
    func words(_ state: Int32) -> Bool { Int(state) < words.count && words[Int(state)] }

    /// Larger automata, automata that count characters, and those that need more passes are walked token by token.
    private static let mostStates = 4096
    private static let mostPasses = 100

    init(_ automaton: ProgramAutomaton) {
        let stateCount = automaton.traits.count
        guard stateCount <= Self.mostStates, automaton.counted == nil else {
            safe = [Safe](repeating: .other, count: stateCount)
            words = [Bool](repeating: false, count: stateCount)
            return
        }
        let safeEdges = (0..<SafeText.stateCount).map { text in
            Self.edges(automaton) { SafeText.next(text, $0) }
        }
        let wordEdges = [Self.edges(automaton) { SafeText.isWordByte($0) ? 0 : nil }]
        let closed = Self.closed(automaton, safeEdges)
        words = Self.closed(automaton, wordEdges) ?? [Bool](repeating: false, count: stateCount)
        safe = (0..<stateCount).map { state in
            if let closed, closed[state * SafeText.stateCount] { return .closed }
            return Self.character(automaton, Int32(state), safeEdges)
        }
    }

    /// A class of bytes, with the state of the UTF-8 decoder after one of them.
    private struct Edge: Hashable {
        var byteClass: UInt8
        var text: Int
    }

    /// The edges of a set of texts, for one state of the decoder.
    private static func edges(_ automaton: ProgramAutomaton, _ next: (UInt8) -> Int?) -> [Edge] {
        var edges: Set<Edge> = []
        for byte in UInt8.min...UInt8.max {
            if let next = next(byte) { edges.insert(Edge(byteClass: automaton.classes[Int(byte)], text: next)) }
        }
        return Array(edges)
    }

    private static func next(_ automaton: ProgramAutomaton, _ state: Int32, _ edge: Edge) -> Int32 {
        automaton.transitions[Int(state) * automaton.classCount + Int(edge.byteClass)]
    }

    /// For each pair of a state of the automaton and of the decoder, whether no text leads to a dead end.
    ///
    /// The greatest fixpoint: all pairs count as closed until a pass finds an edge to an open one.
    ///
    /// - Parameter edges: for each state of the decoder.
    /// - Returns: `nil` if it needs too many passes.
    private static func closed(_ automaton: ProgramAutomaton, _ edges: [[Edge]]) -> [Bool]? {
        let texts = edges.count
        var closed = [Bool](repeating: true, count: automaton.traits.count * texts)
        for _ in 0..<mostPasses {
            var isChanged = false
            for pair in closed.indices where closed[pair] {
                let isOpen = edges[pair % texts].contains { edge in
                    let next = next(automaton, Int32(pair / texts), edge)
                    return next == ByteAutomaton.dead || !closed[Int(next) * texts + edge.text]
                }
                if isOpen {
                    closed[pair] = false
                    isChanged = true
                }
            }
            if !isChanged { return closed }
        }
        return nil
    }

    /// The effect of one safe character.
    private static func character(_ automaton: ProgramAutomaton, _ state: Int32, _ edges: [[Edge]]) -> Safe {
        var target: Int32?
        var (isDead, isUniform) = (true, true)
        var work: [(state: Int32, text: Int)] = [(state, SafeText.boundary)]
        while let (state, text) = work.popLast() {
            for edge in edges[text] {
                let next = next(automaton, state, edge)
                if next == ByteAutomaton.dead {
                    isUniform = false
                    continue
                }
                isDead = false
                if edge.text != SafeText.boundary {
                    work.append((next, edge.text))
                } else if target ?? next == next {
                    target = next
                } else {
                    isUniform = false
                }
            }
            if !isUniform, !isDead { return .other }
        }
        if isDead { return .dead }
        return isUniform ? target.map { .uniform($0) } ?? .other : .other
    }
}
