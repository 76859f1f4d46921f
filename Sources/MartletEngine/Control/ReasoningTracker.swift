import MartletProtocol

/// Follows a model's thinking, token by token, and says when it must end.
///
/// Markers are looked for in the answer's bytes, as the reader of the answer does, so both agree on what is thinking
/// however a marker was cut into tokens. A call ends thinking, too. There may be several think blocks; the budget is
/// that of all together.
struct ReasoningTracker: Sendable {
    enum Phase: Sendable, Equatable {
        /// Nothing but white space yet, and no think block.
        case notBegun
        case reasoning
        case content
    }
    private(set) var phase: Phase
    /// Of thinking so far; markers do not count where they are tokens of their own.
    private(set) var tokenCount = 0
    /// Most tokens of thinking; `nil` = no limit.
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

    /// Takes a token of the answer, sampled or forced.
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

    /// Whether thinking ends with a byte: by its end, or by a call.
    private mutating func ends(with byte: UInt8) -> Bool {
        var isEnd = end.advance(byte)
        for index in callStarts.indices where callStarts[index].advance(byte) { isEnd = true }
        return isEnd
    }

    private mutating func resetEnds() {
        end.reset()
        for index in callStarts.indices { callStarts[index].reset() }
    }

    /// How many bytes of the marker that ends the thinking have come already.
    var matchedEndByteCount: Int { phase == .reasoning ? end.matched : 0 }

    /// A new turn begins, with the same generation prompt. What was thought still counts.
    mutating func beginTurn() {
        start.reset()
        resetEnds()
        phase = beginsOpen ? .reasoning : .notBegun
    }

    /// Whether the model thinks and may think no more.
    var isExhausted: Bool {
        guard phase == .reasoning, let budget else { return false }
        return tokenCount >= budget
    }
}
