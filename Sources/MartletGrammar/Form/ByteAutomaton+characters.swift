extension ByteAutomaton {
    /// Bounds on how many characters a text has, as a count beside the state: no state is copied for each count.
    ///
    /// States below `betweenCount` stand between two characters, and entering one ends a character; all others lie
    /// within a character, or are `opening` or `closing`: the quotes.
    package struct Counting: Sendable, Hashable {
        let betweenCount: Int
        /// Before the opening quote and behind the closing one; -1 = there are no quotes.
        let opening: Int32
        let closing: Int32
        let minimum: Int
        let maximum: Int?
        /// For each count up to `top` and each state between characters, whether some text ends from there: bits.
        let live: [UInt64]

        /// Beyond that no count makes a difference.
        var top: Int { maximum ?? minimum }

        static let most = 1 << 22

        func isLive(_ state: Int, _ count: Int) -> Bool {
            let bit = count * betweenCount + state
            return live[bit >> 6] >> UInt64(bit & 63) & 1 != 0
        }
    }

    /// Its texts of at least `minimum` and at most `maximum` characters.
    ///
    /// - Parameters:
    ///   - betweenCount: how many states stand between characters, the first ones; the text begins at the first.
    ///   - quotes: the states in front of the opening quote and behind the closing one.
    ///   - followers: for each state between characters, those that one character leads to.
    /// - Returns: `nil` if there is no such text, or too many counts and states.
    /// - Precondition: From each state a text ends.
    package func counted(
        betweenCount: Int, quotes: (opening: Int, closing: Int)?, accepting: [Bool], followers: [[Int]], minimum: Int,
        maximum: Int?
    ) -> ByteAutomaton? {
        let top = maximum ?? minimum
        let (product, isTooLarge) = (top + 1).multipliedReportingOverflow(by: betweenCount)
        guard !isTooLarge, product <= Counting.most, product * stateCount / max(1, betweenCount) < Int(Int32.max) else {
            return nil
        }
        var live = [UInt64](repeating: 0, count: (product + 63) / 64)
        for count in (0...top).reversed() {
            for state in 0..<betweenCount {
                var isLive = accepting[state] && count >= minimum
                if !isLive, count < top {
                    isLive = followers[state].contains {
                        let bit = (count + 1) * betweenCount + $0
                        return live[bit >> 6] >> UInt64(bit & 63) & 1 != 0
                    }
                }
                // Without a maximum a text goes on at the last count until it ends.
                if count == top, maximum == nil { isLive = true }
                if isLive {
                    live[(count * betweenCount + state) >> 6] |= 1 << UInt64((count * betweenCount + state) & 63)
                }
            }
        }
        guard live[0] & 1 != 0 else { return nil }
        return ByteAutomaton(
            self,
            counting: Counting(
                betweenCount: betweenCount, opening: Int32(quotes?.opening ?? -1),
                closing: Int32(quotes?.closing ?? -1),
                minimum: minimum, maximum: maximum, live: live))
    }

    /// Whether the empty text is one of its texts.
    var acceptsEmpty: Bool { accepting[start] && counting?.minimum ?? 0 == 0 }

    /// The state behind a byte. With a count it stands for both: so many times the number of states, and the state.
    package func next(_ state: Int32, _ byte: UInt8) -> Int32 {
        guard let counting else { return transition(state, byte) }
        let width = Int32(stateCount)
        let (own, count) = (state % width, Int(state / width))
        let target = transition(own, byte)
        if target == Self.dead { return Self.dead }
        return counted(counting, own, target, count).map { Int32($0) * width + target } ?? Self.dead
    }

    /// Whether a text may end at a state of `next`.
    package func accepts(_ state: Int32) -> Bool {
        guard let counting else { return accepting[Int(state)] }
        let width = Int32(stateCount)
        return accepting[Int(state % width)]
            && (counting.closing >= 0 || Int(state / width) >= counting.minimum)
    }

    private func transition(_ state: Int32, _ byte: UInt8) -> Int32 {
        transitions[Int(state) * classCount + Int(classes[Int(byte)])]
    }

    /// The count behind a step between two states; `nil` = no text of a right length goes this way.
    private func counted(_ counting: Counting, _ own: Int32, _ target: Int32, _ count: Int) -> Int? {
        if target == counting.closing { return count >= counting.minimum ? count : nil }
        if Int(target) < counting.betweenCount {
            if own == counting.opening { return counting.isLive(Int(target), 0) ? 0 : nil }
            let next = count + 1
            if let maximum = counting.maximum, next > maximum { return nil }
            let counted = min(next, counting.top)
            return counting.isLive(Int(target), counted) ? counted : nil
        }
        // Within a character: one of those that it may become must lead on. They are a few bytes long.
        let row = transitions[Int(target) * classCount..<(Int(target) + 1) * classCount]
        return row.contains { $0 != Self.dead && counted(counting, target, $0, count) != nil } ? count : nil
    }

    /// Whether no way through the states from `first` on is longer than a character can be.
    func isWithinCharacters(from first: Int) -> Bool {
        var lengths = [Int](repeating: 0, count: stateCount)
        for _ in 0..<Self.mostCharacterBytes {
            var isChanged = false
            for state in first..<stateCount {
                let row = transitions[state * classCount..<(state + 1) * classCount]
                let inner = row.filter { Int($0) >= first }.map { lengths[Int($0)] + 1 }.max() ?? 0
                if inner > lengths[state] {
                    lengths[state] = inner
                    isChanged = true
                }
            }
            if !isChanged { return true }
        }
        return false
    }

    /// `\\ud83d\\ude00`, and the quotes.
    private static let mostCharacterBytes = 16
}
