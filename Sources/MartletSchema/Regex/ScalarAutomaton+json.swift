import MartletGrammar
import Synchronization

/// A cache of spelled automata, per process. Many schemas have the same formats, and spelling is the longest part
/// of them.
private struct Spellings {
    private static let transitionLimit = 1 << 20
    private var known: [ScalarAutomaton: SpelledAutomaton.Result] = [:]
    private var transitionCount = 0

    subscript(automaton: ScalarAutomaton) -> SpelledAutomaton.Result? { known[automaton] }

    /// Adds an automaton; beyond the limit of transitions the cache is cleared first.
    mutating func insert(_ spelled: SpelledAutomaton.Result, of automaton: ScalarAutomaton) {
        if transitionCount + spelled.automaton.transitions.count > Self.transitionLimit {
            known = [:]
            transitionCount = 0
        }
        known[automaton] = spelled
        transitionCount += spelled.automaton.transitions.count + automaton.transitions.count
    }
}

extension ScalarAutomaton {
    private static let spellings = Mutex(Spellings())

    /// The accepted texts as JSON strings, through the cache.
    ///
    /// - Throws: an error if the automaton has more transitions than the budget allows, whether it is cached or not:
    ///   the cache must not change which schemas are refused.
    func inQuotes(within budget: CompileBudget) throws(RegexError) -> ByteAutomaton {
        let known = Self.spellings.withLock { $0[self] }
        if let known {
            try budget.allow(transitions: known.transitionCount)
            return known.automaton
        }
        var builder = SpelledAutomaton(self, quote: UInt8(ascii: "\""))
        let spelled = try builder.build { count throws(RegexError) in try budget.allow(transitions: count) }
        Self.spellings.withLock { $0.insert(spelled, of: self) }
        return spelled.automaton
    }

    /// The accepted texts as JSON strings: in quotes, with the escapes that JSON requires and no others.
    ///
    /// - Parameter quote: also `'`, for Python.
    func jsonString(quote: UInt8 = UInt8(ascii: "\"")) -> ByteAutomaton {
        var builder = SpelledAutomaton(self, quote: quote)
        return builder.build { _ in }.automaton
    }

    /// The accepted texts of `minimum` to `maximum` characters, in quotes or plain.
    ///
    /// The count is beside the byte automaton's state (`ByteAutomaton.Counting`).
    ///
    /// - Returns: `nil` if there is no such text.
    /// - Throws: an error if the table of counts or the budget is exceeded.
    func counted(
        quote: UInt8?, _ minimum: Int, _ maximum: Int?, within budget: CompileBudget
    ) throws(RegexError) -> ByteAutomaton? {
        let followers = (0..<stateCount).map { state in
            Set(transitions[state * alphabet.classCount..<(state + 1) * alphabet.classCount]).filter { $0 != Self.dead }
                .map(Int.init)
        }
        guard minimum <= Self.mostCounted else { throw Self.tooLong }
        let maximum = maximum.map { min($0, Self.mostCounted) }
        let cells = (maximum ?? minimum) * followers.reduce(stateCount) { $0 + $1.count }
        guard cells <= Self.countedCellLimit else { throw Self.tooLargeToCount }
        try budget.spend(transitions: cells / Self.cellsOfTransition)
        var builder = SpelledAutomaton(self, quote: quote)
        let spelled = try builder.build(isTrimmed: false) { count throws(RegexError) in
            try budget.allow(transitions: count)
        }
        return spelled.automaton.counted(
            betweenCount: stateCount, quotes: quote == nil ? nil : (stateCount, stateCount + 1), accepting: accepting,
            followers: followers, minimum: minimum, maximum: maximum)
    }

    /// The largest table of states and counts, in bits.
    private static let countedCellLimit = 1 << 22
    /// A cell is one bit, so that it costs less than a transition.
    private static let cellsOfTransition = 16

    /// One character of some classes, spelled as in quotes or plain.
    func character(of classes: [Int], quote: UInt8?) -> ByteAutomaton {
        var row = [Int32](repeating: Self.dead, count: alphabet.classCount)
        for number in classes { row[number] = 1 }
        let one = ScalarAutomaton(
            alphabet: alphabet,
            trimmed: (row + [Int32](repeating: Self.dead, count: alphabet.classCount), [false, true]))
        var builder = SpelledAutomaton(one, quote: quote, isDelimited: false)
        return builder.build { _ in }.automaton
    }

    /// The accepted texts without quotes and escapes.
    func plainText() -> ByteAutomaton {
        var builder = SpelledAutomaton(self, quote: nil)
        return builder.build { _ in }.automaton
    }
}

/// Spells an automaton over scalars as an automaton over bytes: UTF-8, and JSON's escapes inside of quotes.
///
/// Each state of the source keeps its number. Between them lie inner states for the bytes of a character; inner states
/// with equal rows are merged, so that a large class is spelled once for each pair of source and target.
///
///     source state --first byte--> inner --…--> inner --last byte--> source state
private struct SpelledAutomaton {
    /// A range of bytes and the state it leads to.
    private typealias Edge = (range: ClosedRange<UInt8>, target: Int32)

    struct Result {
        var automaton: ByteAutomaton
        /// The number of transitions before trimming; the measure for the budget.
        var transitionCount: Int
    }

    private let source: ScalarAutomaton
    private let quote: UInt8?
    /// Whether quotes stand around the text; otherwise `quote` only determines which characters are escaped.
    private let isDelimited: Bool
    private let spelling: ScalarSpelling
    /// The number of states of the source and, with quotes, of the two states before the opening and after the closing
    /// quote. Inner states are numbered after them.
    private let ownCount: Int
    private var ownRows: [Int32] = []
    private var ownStarts: [Int] = []
    /// The rows of inner states; equal rows have one number.
    private var inner = NumberLists()
    /// Inner states for a part of the spelling in which all classes lead to one state.
    private var alike: [Int64: Int32] = [:]
    /// The state after a backslash, by the targets of the escaped characters.
    private var escapes: [[Int32]: Int32] = [:]
    /// The bytes at which a range begins or the previous one ends; they bound the classes of bytes.
    private var isBound = [Bool](repeating: false, count: 257)
    private var boundCount = 1

    init(_ source: ScalarAutomaton, quote: UInt8?, isDelimited: Bool = true) {
        self.source = source
        self.quote = quote
        self.isDelimited = isDelimited && quote != nil
        spelling = ScalarSpelling(source.alphabet, quote: quote)
        ownCount = source.stateCount + (self.isDelimited ? 2 : 0)
        isBound[0] = true
    }

    /// Builds the byte automaton.
    ///
    /// - Parameters:
    ///   - isTrimmed: whether states are renumbered. Otherwise the states of the source come first, then those of
    ///     the quotes.
    ///   - allow: called again and again with the number of transitions so far; an error stops the work.
    mutating func build<Refusal: Error>(isTrimmed: Bool = true, _ allow: (Int) throws(Refusal) -> Void) throws(Refusal)
        -> Result
    {
        let count = source.stateCount
        let open = Int32(count)
        let end = Int32(count + 1)
        var targets = [Int32](repeating: 0, count: source.alphabet.classCount)
        var row: [Int32] = []
        for state in 0..<count {
            for column in targets.indices { targets[column] = source.next(Int32(state), class: column) }
            row.removeAll(keepingCapacity: true)
            if let quote, isDelimited, source.accepting[state] { Self.append((quote...quote, end), to: &row) }
            for (range, number) in spelling.plain { Self.append((range, targets[number]), to: &row) }
            appendEscapes(targets, to: &row)
            for edge in spelling.nodes[0] { Self.append((edge.range, target(of: edge, targets)), to: &row) }
            ownStarts.append(ownRows.count)
            ownRows += row
            addBounds(row)
            if state & 63 == 0 { try allow((ownCount + inner.count) * boundCount) }
        }
        try allow((ownCount + inner.count) * boundCount)
        if let quote, isDelimited {
            row.removeAll(keepingCapacity: true)
            Self.append((quote...quote, 0), to: &row)
            ownStarts += [ownRows.count, ownRows.count + row.count]
            ownRows += row
            addBounds(row)
        }
        let spelled = finish(start: isDelimited ? open : 0) { [source, isDelimited] state in
            isDelimited ? state == Int(end) : state < count && source.accepting[state]
        }
        return Result(
            automaton: isTrimmed ? spelled.trimmed() ?? spelled : spelled, transitionCount: spelled.transitions.count)
    }

    /// Appends an edge to a row, or extends the last edge. A row has two numbers for each edge: the range and the
    /// target.
    private static func append(_ edge: Edge, to row: inout [Int32]) {
        guard edge.target != ScalarAutomaton.dead else { return }
        var lower = Int32(edge.range.lowerBound)
        let upper = Int32(edge.range.upperBound)
        if let target = row.last, target == edge.target, row[row.count - 2] & 0xFF == lower - 1 {
            lower = row[row.count - 2] >> 8
            row.removeLast(2)
        }
        row.append(lower << 8 | upper)
        row.append(edge.target)
    }

    /// The state after the first byte of a character.
    ///
    /// - Complexity: the recursion is at most four deep, the bytes of the longest character.
    private mutating func target(of edge: ScalarSpelling.Edge, _ targets: [Int32]) -> Int32 {
        guard let child = edge.child else { return targets[edge.classes[0]] }
        let first = targets[edge.classes[0]]
        let isAlike = edge.classes.allSatisfy { targets[$0] == first }
        if isAlike, first == ScalarAutomaton.dead { return first }
        let key = Int64(child) << 32 | Int64(first)
        if isAlike, let state = alike[key] { return state }
        var row: [Int32] = []
        for edge in spelling.nodes[child] { Self.append((edge.range, target(of: edge, targets)), to: &row) }
        let state = row.isEmpty ? ScalarAutomaton.dead : state(row)
        if isAlike { alike[key] = state }
        return state
    }

    /// Adds the edge of a backslash, if an escaped character leads anywhere.
    private mutating func appendEscapes(_ targets: [Int32], to row: inout [Int32]) {
        let key = spelling.escapedClasses.map { targets[$0] }
        guard key.contains(where: { $0 != ScalarAutomaton.dead }) else { return }
        let state = escapes[key] ?? escapedState(targets)
        escapes[key] = state
        Self.append((0x5C...0x5C, state), to: &row)
    }

    /// The state after a backslash. Control characters without a short escape are spelled `\u00XX` in lower case.
    private mutating func escapedState(_ targets: [Int32]) -> Int32 {
        var row: [Int32] = []
        var low: [Int32] = []
        var high: [Int32] = []
        for (byte, number) in spelling.escaped {
            let target = targets[number]
            switch byte {
            case 0x22, 0x27, 0x5C: Self.append((byte...byte, target), to: &row)
            case 0x08: Self.append((0x62...0x62, target), to: &row)
            case 0x0C: Self.append((0x66...0x66, target), to: &row)
            case 0x0A: Self.append((0x6E...0x6E, target), to: &row)
            case 0x0D: Self.append((0x72...0x72, target), to: &row)
            case 0x09: Self.append((0x74...0x74, target), to: &row)
            default:
                let digit = byte & 0xF
                let character: UInt8 = digit < 10 ? 0x30 + digit : 0x57 + digit
                if byte < 0x10 {
                    Self.append((character...character, target), to: &low)
                } else {
                    Self.append((character...character, target), to: &high)
                }
            }
        }
        if !low.isEmpty || !high.isEmpty {
            var tens: [Int32] = []
            if !low.isEmpty { Self.append((0x30...0x30, state(low)), to: &tens) }
            if !high.isEmpty { Self.append((0x31...0x31, state(high)), to: &tens) }
            var digit = state(tens)
            for _ in 0..<2 {
                var zero: [Int32] = []
                Self.append((0x30...0x30, digit), to: &zero)
                digit = state(zero)
            }
            Self.append((0x75...0x75, digit), to: &row)
        }
        return state(row)
    }

    /// The inner state with a row, which is added if it is new.
    private mutating func state(_ row: [Int32]) -> Int32 {
        let count = inner.count
        let number = inner.number(of: row)
        if inner.count > count { addBounds(row) }
        return Int32(ownCount) + number
    }

    /// Records the bounds of a row's ranges.
    private mutating func addBounds(_ row: [Int32]) {
        for position in stride(from: 0, to: row.count, by: 2) {
            addBound(Int(row[position] >> 8))
            addBound(Int(row[position] & 0xFF) + 1)
        }
    }

    private mutating func addBound(_ bound: Int) {
        guard !isBound[bound] else { return }
        isBound[bound] = true
        if bound < 256 { boundCount += 1 }
    }

    /// Assembles the table. Bytes between the same bounds share a class.
    private func finish(start: Int32, accepts: (Int) -> Bool) -> ByteAutomaton {
        var classes: [UInt8] = []
        var number = -1
        for byte in 0..<256 {
            if isBound[byte] { number += 1 }
            classes.append(UInt8(number))
        }
        let width = number + 1
        let count = ownCount + inner.count
        var transitions = [Int32](repeating: ByteAutomaton.dead, count: count * width)
        func fill(_ state: Int, _ row: ArraySlice<Int32>) {
            for position in stride(from: row.startIndex, to: row.endIndex, by: 2) {
                for number in classes[Int(row[position] >> 8)]...classes[Int(row[position] & 0xFF)] {
                    transitions[state * width + Int(number)] = row[position + 1]
                }
            }
        }
        for state in 0..<ownCount {
            fill(state, ownRows[ownStarts[state]..<(state + 1 < ownCount ? ownStarts[state + 1] : ownRows.count)])
        }
        for number in 0..<inner.count { fill(ownCount + number, inner[Int32(number)]) }
        return ByteAutomaton(
            classes: classes, classCount: width, transitions: transitions, accepting: (0..<count).map(accepts),
            start: Int(start))
    }
}

/// The spelling of the scalars of an alphabet's classes: inside of quotes, or plain.
private struct ScalarSpelling {
    struct Edge {
        var range: ClosedRange<UInt8>
        /// The node of the next byte; `nil` after the last.
        var child: Int?
        /// The classes of the scalars with this spelling.
        var classes: [Int]
    }

    /// ASCII ranges that are written as they are, with their class.
    private(set) var plain: [(range: ClosedRange<UInt8>, class: Int)] = []
    /// ASCII characters that are escaped, with their class.
    private(set) var escaped: [(byte: UInt8, class: Int)] = []
    /// The classes of escaped characters, without repetition.
    private(set) var escapedClasses: [Int] = []
    /// The bytes of all other scalars as a tree; node 0 has the first bytes.
    private(set) var nodes: [[Edge]] = [[]]

    /// Builds the tree of an alphabet.
    init(_ alphabet: Alphabet, quote: UInt8?) {
        for byte in UInt8(0)..<0x80 {
            let number = alphabet.classOf(UInt32(byte))
            if quote != nil, byte < 0x20 || byte == quote || byte == 0x5C {
                escaped.append((byte, number))
                if !escapedClasses.contains(number) { escapedClasses.append(number) }
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

    /// Adds a sequence of byte ranges to the tree.
    private mutating func insert(_ sequence: [ClosedRange<UInt8>], _ number: Int) {
        var node = 0
        for (index, range) in sequence.enumerated() {
            let isLast = index == sequence.count - 1
            if let position = nodes[node].firstIndex(where: { $0.range == range }) {
                if !nodes[node][position].classes.contains(number) { nodes[node][position].classes.append(number) }
                node = nodes[node][position].child ?? node
                continue
            }
            if !isLast { nodes.append([]) }
            nodes[node].append(Edge(range: range, child: isLast ? nil : nodes.count - 1, classes: [number]))
            if !isLast { node = nodes.count - 1 }
        }
    }
}
