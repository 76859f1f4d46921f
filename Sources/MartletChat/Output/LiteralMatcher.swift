/// Reads one of some short texts that must come next, white space in front of and inside of them aside.
///
/// The texts are given as their parts between white space, as models differ in how much of that they write.
struct LiteralMatcher: Sendable {
    enum Step: Equatable {
        case more
        /// Which text is complete.
        case match(Int)
        /// None can come any more.
        case mismatch
    }

    private let texts: [[UInt8]]
    /// Of each text, whether white space may stand in front of a byte.
    private let breaks: [Set<Int>]
    private var candidates: [Int]
    private var count = 0

    /// - Parameter texts: each as its parts; empty ones are never found.
    init(_ texts: [[[UInt8]]]) {
        self.texts = texts.map { Array($0.joined()) }
        breaks = texts.map { parts in
            var offset = 0
            var result: Set<Int> = []
            for part in parts {
                result.insert(offset)
                offset += part.count
            }
            return result
        }
        candidates = texts.indices.filter { !texts[$0].allSatisfy(\.isEmpty) }
    }

    /// Whether nothing but white space has been read.
    var isAtBeginning: Bool { count == 0 }

    mutating func consume(_ byte: UInt8) -> Step {
        if ArgumentTranscriber.isSpace(byte) {
            let matching = candidates.filter { breaks[$0].contains(count) }
            if matching.isEmpty { return .mismatch }
            candidates = matching
            return .more
        }
        candidates = candidates.filter { count < texts[$0].count && texts[$0][count] == byte }
        if candidates.isEmpty { return .mismatch }
        count += 1
        if let match = candidates.first(where: { texts[$0].count == count }) { return .match(match) }
        return .more
    }

    /// The parts of a literal between white space.
    static func parts(_ text: String) -> [[UInt8]] {
        text.utf8.split(whereSeparator: ArgumentTranscriber.isSpace).map(Array.init)
    }
}
