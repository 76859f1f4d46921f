/// Finds the first stop string in a stream of bytes, and withholds bytes that may begin one.
///
/// Each stop string is searched with the algorithm of Knuth, Morris and Pratt. Therefore the cost is linear in the
/// bytes, and the result does not depend on how they are split into tokens: the stop string that is complete first is
/// found; among several the longest.
struct StopMatcher: Sendable {
    private var patterns: [BytePattern]
    private let stops: [String]
    /// The withheld bytes: as many as the longest partial match.
    private var held: [UInt8] = []

    init(_ stops: [String]) {
        self.stops = stops.filter { !$0.isEmpty }
        patterns = self.stops.map { BytePattern(Array($0.utf8)) }
    }

    /// Consumes bytes, and appends those that belong to no stop string to `output`.
    ///
    /// - Returns: the stop string that was found. `output` then has the bytes before it, and no further bytes may be
    ///   consumed.
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

    /// Removes and returns the withheld bytes, which cannot become a stop string any more.
    mutating func release() -> [UInt8] {
        defer { held = [] }
        for index in patterns.indices { patterns[index].reset() }
        return held
    }

    /// Ends the stream: the withheld bytes are no stop string.
    mutating func finish(into output: inout [UInt8]) {
        output += held
        held = []
    }
}
