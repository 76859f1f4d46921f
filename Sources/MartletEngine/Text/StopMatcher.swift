/// Finds the first stop text in a stream of bytes, and holds back what may be the beginning of one.
///
/// Each stop is matched as Knuth, Morris and Pratt do, so the work is linear in the bytes however they were cut, and
/// the result does not depend on the cut: the stop that is complete first wins, and of several the longest.
struct StopMatcher: Sendable {
    private var patterns: [BytePattern]
    private let stops: [String]
    /// The last bytes taken, as many as the longest match now is.
    private var held: [UInt8] = []

    init(_ stops: [String]) {
        self.stops = stops.filter { !$0.isEmpty }
        patterns = self.stops.map { BytePattern(Array($0.utf8)) }
    }

    /// Takes bytes, and appends to `output` those that are no part of a stop.
    ///
    /// - Returns: the stop that was found. Then what came before it is in `output`, and nothing may be taken any more.
    mutating func consume(_ bytes: some Sequence<UInt8>, into output: inout [UInt8]) -> String? {
        if patterns.isEmpty {
            output += bytes
            return nil
        }
        for byte in bytes {
            var longest = 0
            var found: Int?
            for index in patterns.indices {
                if patterns[index].advance(byte),
                    found.map({ patterns[$0].bytes.count < patterns[index].bytes.count }) ?? true
                {
                    found = index
                }
                longest = max(longest, patterns[index].matched)
            }
            held.append(byte)
            if let found {
                output += held.dropLast(patterns[found].bytes.count)
                held = []
                return stops[found]
            }
            if held.count > longest {
                output += held.prefix(held.count - longest)
                held.removeFirst(held.count - longest)
            }
        }
        return nil
    }

    /// What is held back, which is no stop any more.
    mutating func release() -> [UInt8] {
        defer { held = [] }
        for index in patterns.indices { patterns[index].reset() }
        return held
    }

    /// No more bytes come: what is held back is no stop.
    mutating func finish(into output: inout [UInt8]) {
        output += held
        held = []
    }
}
