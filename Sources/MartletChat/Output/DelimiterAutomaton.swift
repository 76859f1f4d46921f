/// Finds several delimiters in a byte stream at once (Aho and Corasick's automaton).
///
/// The state is a number that the caller keeps: how much of which delimiter the stream ends with.
struct DelimiterAutomaton: Sendable {
    /// No byte of any delimiter seen.
    static let root = 0

    /// Of each byte, its column in `transitions`; bytes that stand in no delimiter share column 0.
    private let columns: [UInt8]
    private let columnCount: Int
    private let transitions: [UInt16]
    private let depths: [UInt16]
    /// Of each state, the delimiter that ends there, or -1.
    private let matches: [Int16]
    private let lengths: [Int]
    /// Of each state, whether a delimiter goes on behind it.
    private let extensions: [Bool]

    /// - Parameter delimiters: none empty; together fewer than 65,536 bytes.
    init(_ delimiters: [[UInt8]]) {
        var columns = [UInt8](repeating: 0, count: 256)
        var columnCount = 1
        for byte in delimiters.joined() where columns[Int(byte)] == 0 {
            // At most 255 different bytes stand in UTF-8 text, so a column is left for all others.
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
        // Breadth first: the state to fall back to is complete when it is needed.
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

    /// The state behind `byte`.
    func next(_ state: Int, _ byte: UInt8) -> Int {
        Int(transitions[state * columnCount + Int(columns[Int(byte)])])
    }

    /// How many of the last bytes may be the beginning of a delimiter.
    func depth(_ state: Int) -> Int { Int(depths[state]) }

    /// Which delimiter the stream ends with; of several, the longest.
    func match(_ state: Int) -> Int? { matches[state] < 0 ? nil : Int(matches[state]) }

    /// The number of bytes of a delimiter.
    func length(of match: Int) -> Int { lengths[match] }

    /// Whether what the stream ends with may become a longer delimiter.
    func isExtendable(_ state: Int) -> Bool { extensions[state] }
}
