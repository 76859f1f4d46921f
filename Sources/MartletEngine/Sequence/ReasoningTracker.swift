import MartletProtocol

/// Follows the reasoning of a model token by token, and reports when the reasoning budget is exhausted.
///
/// Delimiters are searched for in the bytes of the output, as the output parser does. Therefore both agree on what is
/// reasoning, however a delimiter is split into tokens. A tool call ends reasoning, too. The output may have several
/// reasoning blocks; the budget is the sum over all of them.
struct ReasoningTracker: Sendable {
    /// The part of the output that the next token belongs to.
    enum Phase: Sendable, Equatable {
        /// No reasoning has begun, and the output is only white space so far.
        case notBegun
        case reasoning
        case content
    }
    private(set) var phase: Phase
    /// Reasoning tokens so far. A delimiter that is a token of its own does not count.
    private(set) var tokenCount = 0
    /// The largest number of reasoning tokens; `nil` = no limit.
    var budget: Int?
    private var start: BytePattern
    private var end: BytePattern
    private var callStarts: [BytePattern]
    private let beginsOpen: Bool

    init(_ rule: ReasoningRule) {
        start = BytePattern(Array(rule.start.utf8))
        end = BytePattern(Array(rule.end.utf8))
        callStarts = rule.callStarts.map { BytePattern(Array($0.utf8)) }
        budget = rule.budget
        beginsOpen = rule.isOpen
        phase = rule.isOpen ? .reasoning : .notBegun
    }

    /// Advances by one token of the output, sampled or forced.
    ///
    /// - Complexity: linear in the bytes of the token.
    mutating func consume(_ bytes: ArraySlice<UInt8>) {
        if phase == .reasoning { tokenCount += 1 }
        for byte in bytes {
            switch phase {
            case .reasoning:
                guard ends(with: byte) else { continue }
                phase = .content
                tokenCount -= 1
                start.reset()
            case .notBegun, .content:
                if start.advance(byte) {
                    phase = .reasoning
                    resetEnds()
                } else if start.matched == 0, byte != 0x20, !(0x09...0x0D).contains(byte) {
                    phase = .content
                }
            }
        }
    }

    /// Whether reasoning ends with `byte`: the closing delimiter or the beginning of a tool call is complete.
    private mutating func ends(with byte: UInt8) -> Bool {
        var isEnd = end.advance(byte)
        for index in callStarts.indices where callStarts[index].advance(byte) { isEnd = true }
        return isEnd
    }

    /// Discards partial matches of all delimiters that end reasoning.
    private mutating func resetEnds() {
        end.reset()
        for index in callStarts.indices { callStarts[index].reset() }
    }

    /// How many bytes of the closing delimiter the output ends with; 0 outside reasoning.
    var matchedEndByteCount: Int { phase == .reasoning ? end.matched : 0 }

    /// Begins a new turn with the same generation prompt. Earlier reasoning tokens still count.
    mutating func beginTurn() {
        start.reset()
        resetEnds()
        phase = beginsOpen ? .reasoning : .notBegun
    }

    /// Whether the model is in reasoning and the budget allows no further token.
    var isExhausted: Bool {
        guard phase == .reasoning, let budget else { return false }
        return tokenCount >= budget
    }
}
