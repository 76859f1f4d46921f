/// Finds several delimiters in a byte stream at once (the automaton of Aho and Corasick, 1975).
///
/// The state is an integer that the caller stores: it stands for the longest suffix of the stream that begins a
/// delimiter. For `<think>` and `<tool>` the states are the prefixes `<`, `<t`, `<th`, `<to`, …
/// - Complexity: constant per byte; memory is states × distinct bytes.
struct DelimiterAutomaton: Sendable {
    /// The state in which no byte of a delimiter has been seen.
    static let root = 0

    /// The column of each byte in `transitions`. Bytes that occur in no delimiter share column 0.
    private let columns: [UInt8]
    private let columnCount: Int
    /// The next state, by state and column.
    private let transitions: [UInt16]
    /// The length of the suffix that each state stands for.
    private let depths: [UInt16]
    /// The delimiter that ends in each state, or -1.
    private let matches: [Int16]
    /// The bytes of each delimiter.
    private let lengths: [Int]
    /// Whether a longer delimiter may follow from each state.
    private let extensions: [Bool]

    /// - Parameter delimiters: non-empty texts, together fewer than 65,536 bytes. Of equal texts the first is
    ///   reported.
    init(_ delimiters: [[UInt8]]) {
        var columns = [UInt8](repeating: 0, count: 256)
        var columnCount = 1
        for byte in delimiters.joined() where columns[Int(byte)] == 0 {
            // UTF-8 text has at most 243 distinct bytes, so column 0 is never needed for a byte of a delimiter.
            columns[Int(byte)] = UInt8(columnCount)
            columnCount += 1
        }
        var next: [[UInt16]] = [[UInt16](repeating: 0, count: columnCount)]
        var depths: [UInt16] = [0]
        var matches: [Int16] = [-1]
        for (index, delimiter) in delimiters.enumerated() {
            var state = 0
            for byte in delimiter {
                let column = Int(columns[Int(byte)])
                if next[state][column] == 0 {
                    next[state][column] = UInt16(next.count)
                    next.append([UInt16](repeating: 0, count: columnCount))
                    depths.append(depths[state] + 1)
                    matches.append(-1)
                }
                state = Int(next[state][column])
            }
            if matches[state] < 0 { matches[state] = Int16(index) }
        }
        extensions = next.map { row in row.contains { $0 != 0 } }
        lengths = delimiters.map(\.count)
        // Breadth first, so that the state to fall back to is complete when it is needed.
        var fallback = [Int](repeating: 0, count: next.count)
        var queue = next[0].filter { $0 != 0 }.map(Int.init)
        var head = 0
        while head < queue.count {
            let state = queue[head]
            head += 1
            if matches[state] < 0 { matches[state] = matches[fallback[state]] }
            for column in 0..<columnCount {
                let child = Int(next[state][column])
                let other = next[fallback[state]][column]
                if child == 0 {
                    next[state][column] = other
                } else {
                    fallback[child] = Int(other)
                    queue.append(child)
                }
            }
        }
        self.columns = columns
        self.columnCount = columnCount
        transitions = next.flatMap { $0 }
        self.depths = depths
        self.matches = matches
    }

    /// The state after `byte`.
    func next(_ state: Int, _ byte: UInt8) -> Int {
        Int(transitions[state * columnCount + Int(columns[Int(byte)])])
    }

    /// The number of last bytes that may be the beginning of a delimiter. These bytes stay pending.
    func depth(_ state: Int) -> Int { Int(depths[state]) }

    /// The delimiter with which the stream ends; of several, the longest.
    func match(_ state: Int) -> Int? { matches[state] < 0 ? nil : Int(matches[state]) }

    /// The number of bytes of a delimiter.
    func length(of match: Int) -> Int { lengths[match] }

    /// Whether the end of the stream may become a longer delimiter.
    func isExtendable(_ state: Int) -> Bool { extensions[state] }
}
