import MartletGrammar
import Synchronization

/// Spelled automata of before: many schemas have the same formats, and spelling takes longer than all else.
private struct Spellings {
    private static let transitionLimit = 1 << 20
    private var known: [CharacterAutomaton: ByteAutomaton] = [:]
    private var transitionCount = 0

    subscript(automaton: CharacterAutomaton) -> ByteAutomaton? { known[automaton] }

    /// Beyond the limit it begins anew.
    mutating func keep(_ spelled: ByteAutomaton, of automaton: CharacterAutomaton) {
        if transitionCount + spelled.transitions.count > Self.transitionLimit {
            known = [:]
            transitionCount = 0
        }
        known[automaton] = spelled
        transitionCount += spelled.transitions.count + automaton.transitions.count
    }
}

extension CharacterAutomaton {
    private static let spellings = Mutex(Spellings())

    /// As `jsonString` makes it, once.
    var inQuotes: ByteAutomaton {
        if let known = Self.spellings.withLock({ $0[self] }) { return known }
        let spelled = jsonString()
        let trimmed = spelled.trimmed() ?? spelled
        Self.spellings.withLock { $0.keep(trimmed, of: self) }
        return trimmed
    }

    /// The accepted texts as JSON strings: in quotes, with the escapes that a writer has to use and no others.
    ///
    /// - Parameter quote: also `'`, for Python.
    func jsonString(quote: UInt8 = 0x22) -> ByteAutomaton {
        var builder = SpelledAutomaton(self, quote: quote)
        return builder.build()
    }

    /// The accepted texts as they are.
    func plainText() -> ByteAutomaton {
        var builder = SpelledAutomaton(self, quote: nil)
        return builder.build()
    }
}

/// Spells scalars as bytes: UTF-8, and within quotes the escapes of the quote, `\` and control characters.
private struct SpelledAutomaton {
    private typealias Edge = (range: ClosedRange<UInt8>, target: Int32)

    private let source: CharacterAutomaton
    private let quote: UInt8?
    private let spelling: ScalarSpelling
    private var edges: [[Edge]] = []
    private var known: [[Int64]: Int32] = [:]
    /// For a node of the spelling below which all classes lead to one state: the state that spells the rest.
    private var alike: [Int64: Int32] = [:]

    init(_ source: CharacterAutomaton, quote: UInt8?) {
        self.source = source
        self.quote = quote
        spelling = ScalarSpelling(source.alphabet, quote: quote)
    }

    mutating func build() -> ByteAutomaton {
        // State n of the source is state n here; then the opening quote and the end.
        let count = source.stateCount
        edges = Array(repeating: [], count: count + (quote == nil ? 0 : 2))
        let open = Int32(count)
        let end = Int32(count + 1)
        if let quote { edges[count] = [(quote...quote, 0)] }
        for state in 0..<count {
            let targets = (0..<source.alphabet.classCount).map { source.next(Int32(state), class: $0) }
            var row: [Edge] = []
            if let quote, source.accepting[state] { row.append((quote...quote, end)) }
            for (range, number) in spelling.plain { append((range, targets[number]), to: &row) }
            appendEscapes(targets, to: &row)
            for edge in spelling.nodes[0] { append((edge.range, target(of: edge, targets)), to: &row) }
            edges[state] = row
        }
        guard quote != nil else { return finish(start: 0) { $0 < count && source.accepting[$0] } }
        return finish(start: open) { $0 == Int(end) }
    }

    private func append(_ edge: Edge, to row: inout [Edge]) {
        guard edge.target != CharacterAutomaton.dead else { return }
        if let last = row.last, last.target == edge.target, last.range.upperBound + 1 == edge.range.lowerBound {
            row[row.count - 1].range = last.range.lowerBound...edge.range.upperBound
        } else {
            row.append(edge)
        }
    }

    /// Calls itself at most four times deep: no character is longer.
    private mutating func target(of edge: ScalarSpelling.Edge, _ targets: [Int32]) -> Int32 {
        guard let child = edge.child else { return targets[edge.classes[0]] }
        let first = targets[edge.classes[0]]
        let isAlike = edge.classes.allSatisfy { targets[$0] == first }
        if isAlike, first == CharacterAutomaton.dead { return first }
        let key = Int64(child) << 32 | Int64(first)
        if isAlike, let state = alike[key] { return state }
        var row: [Edge] = []
        for edge in spelling.nodes[child] { append((edge.range, target(of: edge, targets)), to: &row) }
        let state = row.isEmpty ? CharacterAutomaton.dead : state(row)
        if isAlike { alike[key] = state }
        return state
    }

    private mutating func appendEscapes(_ targets: [Int32], to row: inout [Edge]) {
        var escapes: [Edge] = []
        var low: [Edge] = []
        var high: [Edge] = []
        for (byte, number) in spelling.escaped where targets[number] != CharacterAutomaton.dead {
            let target = targets[number]
            switch byte {
            case 0x22, 0x27, 0x5C: escapes.append((byte...byte, target))
            case 0x08: escapes.append((0x62...0x62, target))
            case 0x0C: escapes.append((0x66...0x66, target))
            case 0x0A: escapes.append((0x6E...0x6E, target))
            case 0x0D: escapes.append((0x72...0x72, target))
            case 0x09: escapes.append((0x74...0x74, target))
            default:
                let digit = byte & 0xF
                let character: UInt8 = digit < 10 ? 0x30 + digit : 0x57 + digit
                if byte < 0x10 {
                    low.append((character...character, target))
                } else {
                    high.append((character...character, target))
                }
            }
        }
        if !low.isEmpty || !high.isEmpty {
            var tens: [Edge] = []
            if !low.isEmpty { tens.append((0x30...0x30, state(low))) }
            if !high.isEmpty { tens.append((0x31...0x31, state(high))) }
            let hundreds = state([(0x30...0x30, state(tens))])
            escapes.append((0x75...0x75, state([(0x30...0x30, hundreds)])))
        }
        if !escapes.isEmpty { row.append((0x5C...0x5C, state(escapes))) }
    }

    private mutating func state(_ row: [Edge]) -> Int32 {
        let key = row.map { Int64($0.range.lowerBound) << 40 | Int64($0.range.upperBound) << 32 | Int64($0.target) }
        if let state = known[key] { return state }
        edges.append(row)
        known[key] = Int32(edges.count - 1)
        return Int32(edges.count - 1)
    }

    /// Bytes between the same bounds of ranges share a class.
    private func finish(start: Int32, accepts: (Int) -> Bool) -> ByteAutomaton {
        var isBound = [Bool](repeating: false, count: 257)
        isBound[0] = true
        for row in edges {
            for edge in row {
                isBound[Int(edge.range.lowerBound)] = true
                isBound[Int(edge.range.upperBound) + 1] = true
            }
        }
        var classes: [UInt8] = []
        var count = 0
        for byte in 0..<256 {
            if isBound[byte] { count += 1 }
            classes.append(UInt8(count - 1))
        }
        var transitions = [Int32](repeating: ByteAutomaton.dead, count: edges.count * count)
        for (state, row) in edges.enumerated() {
            for edge in row {
                for number in classes[Int(edge.range.lowerBound)]...classes[Int(edge.range.upperBound)] {
                    transitions[state * count + Int(number)] = edge.target
                }
            }
        }
        return ByteAutomaton(
            classes: classes, classCount: count, transitions: transitions,
            accepting: edges.indices.map(accepts), start: Int(start))
    }
}

/// How the scalars of an alphabet's classes are written: in a string with quotes, or as they are.
private struct ScalarSpelling {
    struct Edge {
        var range: ClosedRange<UInt8>
        /// The node of the next byte; `nil` after the last.
        var child: Int?
        /// The classes of the scalars that are written so.
        var classes: [Int]
    }

    /// ASCII scalars that are written as they are, and their class.
    private(set) var plain: [(range: ClosedRange<UInt8>, class: Int)] = []
    private(set) var escaped: [(byte: UInt8, class: Int)] = []
    /// Bytes of other scalars as a tree; the first node has their first bytes.
    private(set) var nodes: [[Edge]] = [[]]

    init(_ alphabet: Alphabet, quote: UInt8?) {
        for byte in UInt8(0)..<0x80 {
            let number = alphabet.classOf(UInt32(byte))
            if quote != nil, byte < 0x20 || byte == quote || byte == 0x5C {
                escaped.append((byte, number))
            } else if let last = plain.last, last.class == number, last.range.upperBound + 1 == byte {
                plain[plain.count - 1].range = last.range.lowerBound...byte
            } else {
                plain.append((byte...byte, number))
            }
        }
        for interval in alphabet.intervals where interval.range.upperBound >= 0x80 {
            let range = max(interval.range.lowerBound, 0x80)...interval.range.upperBound
            for part in ScalarRanges.normalized([range]) {
                for sequence in ScalarRanges.byteRanges(part) { insert(sequence, interval.class) }
            }
        }
        for index in nodes.indices { nodes[index].sort { $0.range.lowerBound < $1.range.lowerBound } }
    }

    private mutating func insert(_ sequence: [ClosedRange<UInt8>], _ number: Int) {
        var node = 0
        for (index, range) in sequence.enumerated() {
            let isLast = index == sequence.count - 1
            if let place = nodes[node].firstIndex(where: { $0.range == range }) {
                if !nodes[node][place].classes.contains(number) { nodes[node][place].classes.append(number) }
                node = nodes[node][place].child ?? node
                continue
            }
            if !isLast { nodes.append([]) }
            nodes[node].append(Edge(range: range, child: isLast ? nil : nodes.count - 1, classes: [number]))
            if !isLast { node = nodes.count - 1 }
        }
    }
}
