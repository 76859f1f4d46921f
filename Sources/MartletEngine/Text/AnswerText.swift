/// Turns the bytes of tokens into the text of an answer: without stops, and in whole characters.
struct AnswerText: Sendable {
    private var stops: StopMatcher
    private var boundary = CharacterBoundary()
    private var passed: [UInt8] = []
    /// Let out by a change of the stops; goes with the next token.
    private var released: [UInt8] = []
    /// Bytes of all tokens taken.
    private(set) var takenCount = 0
    /// Characters that begin in them.
    private(set) var characterCount = 0
    /// Bytes that are certain to belong to the answer.
    private(set) var certainCount = 0

    init(stops: [String]) {
        self.stops = StopMatcher(stops)
    }

    /// Takes a token's bytes, and appends the text that became certain.
    ///
    /// - Returns: the stop that was found. Then only `finish(into:)` may follow.
    mutating func take(_ bytes: ArraySlice<UInt8>, into output: inout [UInt8]) -> String? {
        takeReleased()
        let stop = stops.take(bytes, into: &passed)
        takenCount += bytes.count
        for byte in bytes where byte & 0xC0 != 0x80 { characterCount &+= 1 }
        certainCount += passed.count
        boundary.take(passed, into: &output)
        return stop
    }

    /// Appends what was held back; an unfinished character becomes U+FFFD.
    mutating func finish(into output: inout [UInt8]) {
        takeReleased()
        stops.finish(into: &passed)
        boundary.take(passed, into: &output)
        boundary.finish(into: &output)
    }

    private mutating func takeReleased() {
        swap(&passed, &released)
        released.removeAll(keepingCapacity: true)
    }

    /// Whether a change of the stops let out text that nobody has been told of.
    var hasReleased: Bool { !released.isEmpty }

    /// Looks for other stops from the next token on. What was held back for the old ones goes out with that token.
    mutating func setStops(_ texts: [String]) {
        released += stops.release()
        stops = StopMatcher(texts)
    }
}
