/// Whether a text ends with a whole character.
enum CharacterEnd {
    /// - Parameter tail: the last bytes of a text, four or more where there are so many.
    static func isReached(by tail: some BidirectionalCollection<UInt8>) -> Bool {
        var boundary = CharacterBoundary()
        var ignored: [UInt8] = []
        boundary.consume(tail, into: &ignored)
        return boundary.isAtBoundary
    }
}
