/// Checks whether a text ends with a whole character.
enum CharacterEnd {
    /// Whether `tail` ends with a whole character.
    ///
    /// - Parameter tail: the last bytes of a text: at least four, or all if there are fewer.
    static func isReached(by tail: some BidirectionalCollection<UInt8>) -> Bool {
        var boundary = CharacterBoundary()
        var ignored: [UInt8] = []
        boundary.consume(tail, into: &ignored)
        return boundary.isAtBoundary
    }
}
