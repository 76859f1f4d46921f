/// Matches one of several short texts that must come next. White space in front of and within them is ignored.
///
///     LiteralMatcher([parts("</tool_call>"), parts("<tool_call>\n{")])   // matches "\n <tool_call> {"
///
/// Each text is given as its parts between white space, because models vary the white space of their templates. A
/// value type: a copy is a snapshot.
struct LiteralMatcher: Sendable {
    /// The result of a byte.
    enum Step: Equatable {
        case more
        /// The text with this index is complete.
        case match(Int)
        /// No text can match any more. The caller owns the bytes consumed so far.
        case mismatch
    }

    /// The texts without white space.
    private let texts: [[UInt8]]
    /// For each text, the offsets at which white space may stand.
    private let breaks: [Set<Int>]
    /// The texts that match so far.
    private var candidates: [Int]
    /// The number of bytes that match, without white space.
    private var count = 0

    /// - Parameter texts: each as its parts. An empty text never matches.
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

    /// Whether only white space has been consumed.
    var isAtBeginning: Bool { count == 0 }

    /// Consumes a byte. White space within a part is a mismatch.
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
