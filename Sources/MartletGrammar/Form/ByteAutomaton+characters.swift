extension ByteAutomaton {
    /// Bounds on the number of characters of a text, counted beside the state, so that no state is copied for each
    /// count.
    ///
    /// States below `betweenCount` lie between two characters; entering one ends a character. All other states lie
    /// inside of a character, or are `opening` or `closing`: before the opening quote and after the closing one.
    package struct Counting: Sendable, Hashable {
        /// The number of states that lie between two characters.
        let betweenCount: Int
        /// The states before the opening quote and after the closing one; -1 if the text has no quotes.
        let opening: Int32
        let closing: Int32
        let minimum: Int
        let maximum: Int?
        /// A bit for each count up to `top` and each state between characters: whether an accepted text can be
        /// completed.
        ///
        /// Without it, a matcher could enter a path on which only too short or too long texts end.
        let live: [UInt64]

        /// The largest count that is distinguished; all larger counts behave like it.
        var top: Int { maximum ?? minimum }

        /// The largest number of bits in `live`.
        static let most = 1 << 22

        /// Whether an accepted text can be completed from a state with a count.
        func isLive(_ state: Int, _ count: Int) -> Bool {
            let bit = count * betweenCount + state
            return live[bit >> 6] >> UInt64(bit & 63) & 1 != 0
        }
    }

    /// The texts of this automaton that have `minimum` to `maximum` characters.
    ///
    /// - Parameters:
    ///   - betweenCount: the number of states between characters. They come first, and text begins at state 0.
    ///   - quotes: the states before the opening quote and after the closing one.
    ///   - followers: the states that one character leads to, for each state between characters.
    /// - Returns: `nil` if there is no such text, or if there are too many counts and states.
    /// - Precondition: a text can be completed from every state.
    /// - Complexity: O(counts × followers), from the largest count down.
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
                // Without a maximum, a text continues at the last count until it ends.
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

    /// Whether the empty text is accepted.
    var acceptsEmpty: Bool { accepting[start] && counting?.minimum ?? 0 == 0 }

    /// The state after a byte, or `dead`.
    ///
    /// With a count, the number encodes both: count × `stateCount` + state.
    package func next(_ state: Int32, _ byte: UInt8) -> Int32 {
        guard let counting else { return transition(state, byte) }
        let width = Int32(stateCount)
        let (own, count) = (state % width, Int(state / width))
        let target = transition(own, byte)
        if target == Self.dead { return Self.dead }
        return counted(counting, own, target, count).map { Int32($0) * width + target } ?? Self.dead
    }

    /// Whether a text may end in a state that `next` returned.
    package func accepts(_ state: Int32) -> Bool {
        guard let counting else { return accepting[Int(state)] }
        let width = Int32(stateCount)
        return accepting[Int(state % width)]
            && (counting.closing >= 0 || Int(state / width) >= counting.minimum)
    }

    /// The transition of the table, without a count.
    private func transition(_ state: Int32, _ byte: UInt8) -> Int32 {
        transitions[Int(state) * classCount + Int(classes[Int(byte)])]
    }

    /// The count after a step between two states; `nil` if no text of an admitted length takes this step.
    private func counted(_ counting: Counting, _ own: Int32, _ target: Int32, _ count: Int) -> Int? {
        if target == counting.closing { return count >= counting.minimum ? count : nil }
        if Int(target) < counting.betweenCount {
            if own == counting.opening { return counting.isLive(Int(target), 0) ? 0 : nil }
            let next = count + 1
            if let maximum = counting.maximum, next > maximum { return nil }
            let counted = min(next, counting.top)
            return counting.isLive(Int(target), counted) ? counted : nil
        }
        // Inside of a character: one of its possible completions must be live. The recursion is as deep as a
        // character has bytes.
        let row = transitions[Int(target) * classCount..<(Int(target) + 1) * classCount]
        return row.contains { $0 != Self.dead && counted(counting, target, $0, count) != nil } ? count : nil
    }

    /// Whether no path through the states from `first` on is longer than a character. Bounds the recursion of `next`
    /// for automata that were decoded from bytes.
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

    /// The bytes of the longest spelling, `\\ud83d\\ude00`, with room for quotes.
    private static let mostCharacterBytes = 16
}
