/// A position in a rule of a program: the input that is read there, and the position that follows.
struct Point: Sendable {
    /// The input of a point; `first` and `second` depend on it.
    enum Kind: UInt8, Sendable {
        /// `second` bytes of the program's literals from `first` on.
        case literal
        /// The byte set `first`.
        case set
        /// The automaton `first`.
        case automaton
        /// The token term `first`.
        case token
        /// The byte `first`, which begins an array without equal items if `second` is 1, and otherwise ends an item
        /// of one.
        case itemBound
        /// The rule `first`.
        case call
        /// No input; continues at `second` points of the program's targets from `first` on.
        case split
        /// The rule ends.
        case end
        /// The repetition `first`. Its count so far is the state of the item that arrives here.
        case count
    }

    var kind: Kind
    var first: Int32 = 0
    var second: Int32 = 0
    /// The point that follows; unused by `split`, `end` and `count`.
    var next: Int32 = 0
}

/// A counted repetition.
struct Counter: Sendable {
    var body: Int32
    var minimum: Int32
    /// The largest count; `Int32.max` if there is none.
    var maximum: Int32
    /// Whether the body matches the empty text; any count then is enough.
    var isBodyNullable: Bool

    static let endless = Int32.max

    /// Whether the repetition may end after so many rounds.
    func canEnd(at count: Int32) -> Bool { isBodyNullable || count >= minimum }

    /// Whether another round may follow.
    func canRepeat(at count: Int32) -> Bool { count < maximum }

    /// The count after a round. Without a maximum, all counts above the minimum behave alike and are one.
    func next(_ count: Int32) -> Int32 { maximum == Self.endless ? min(count + 1, minimum) : count + 1 }
}

/// A token term in a given vocabulary.
package enum ResolvedTerm: Sendable, Equatable {
    case token(Int32)
    case otherThan(Int32)
    /// Any control token but these.
    case controlOtherThan([Int32])
    /// No token of the vocabulary: these bytes instead.
    case bytes([UInt8])
}
