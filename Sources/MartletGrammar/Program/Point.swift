/// A place in a rule of a program: what is read there, and where it goes on.
struct Point: Sendable {
    enum Kind: UInt8, Sendable {
        /// `second` bytes from `first` of the program's literals.
        case literal
        /// The byte set `first`.
        case set
        /// The automaton `first`.
        case automaton
        /// The token term `first`.
        case token
        /// The byte `first`, which begins an array without equal items where `second` is 1, or ends an item of one.
        case itemBound
        /// The rule `first`.
        case call
        /// Nothing is read; it goes on at `second` points from `first` of the program's targets.
        case split
        /// The rule ends.
        case end
        /// The repetition `first`, whose count so far is the state in which this place is reached.
        case count
    }

    var kind: Kind
    var first: Int32 = 0
    var second: Int32 = 0
    /// Where it goes on; without meaning at `split`, `end` and `count`.
    var next: Int32 = 0
}

/// A counted repetition.
struct Counter: Sendable {
    var body: Int32
    var minimum: Int32
    /// `Int32.max` = without end.
    var maximum: Int32
    var isBodyNullable: Bool

    static let endless = Int32.max

    func canEnd(at count: Int32) -> Bool { isBodyNullable || count >= minimum }

    func canRepeat(at count: Int32) -> Bool { count < maximum }

    /// Without an end it does not matter how far above the minimum a count is.
    func next(_ count: Int32) -> Int32 { maximum == Self.endless ? min(count + 1, minimum) : count + 1 }
}

/// A token term when the vocabulary is known.
package enum ResolvedTerm: Sendable, Equatable {
    case token(Int32)
    case otherThan(Int32)
    /// Any control token but these.
    case controlOtherThan([Int32])
    /// No token of the vocabulary: these bytes.
    case bytes([UInt8])
}
