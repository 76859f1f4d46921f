/// Turns the bytes of tokens into the text of an answer: without stops, and in whole characters.
struct OutputText: Sendable {
    /// What ends an answer by its text.
    enum End: Sendable, Equatable {
        case stop(String)
        case indentation
    }

    private var stops: StopMatcher
    private var indent: IndentGuard
    private var boundary = CharacterBoundary()
    // Used again for every token.
    private var unstopped: [UInt8] = []
    private var passed: [UInt8] = []
    /// Let out by a change of the stops; goes with the next token.
    private var released: [UInt8] = []
    /// Whether a line break is among the bytes that are certain.
    private(set) var hasLineBreak = false
    /// Bytes of all tokens taken.
    private(set) var consumedByteCount = 0
    /// Characters that begin in them.
    private(set) var characterCount = 0
    /// Bytes that are certain to belong to the answer.
    private(set) var certainByteCount = 0

    init(stops: [String], minimumIndent: Int = 0) {
        self.stops = StopMatcher(stops)
        indent = IndentGuard(minimum: minimumIndent)
    }

    /// Takes a token's bytes, and appends the text that became certain.
    ///
    /// - Returns: what ends the answer with it. Then only `finish(into:)` may follow.
    mutating func consume(_ bytes: ArraySlice<UInt8>, into output: inout [UInt8]) -> End? {
        consumeReleased()
        passed.removeAll(keepingCapacity: true)
        let stop = stops.consume(bytes, into: &unstopped)
        let isIndentedLess = indent.consume(unstopped, into: &passed)
        consumedByteCount += bytes.count
        for byte in bytes where byte & 0xC0 != 0x80 { characterCount &+= 1 }
        emitPassed(into: &output)
        if isIndentedLess { return .indentation }
        return stop.map(End.stop)
    }

    private mutating func emitPassed(into output: inout [UInt8]) {
        certainByteCount += passed.count
        if !hasLineBreak, passed.contains(UInt8(ascii: "\n")) { hasLineBreak = true }
        boundary.consume(passed, into: &output)
    }

    /// Appends what was held back; an unfinished character becomes U+FFFD.
    mutating func finish(into output: inout [UInt8]) {
        consumeReleased()
        passed.removeAll(keepingCapacity: true)
        stops.finish(into: &unstopped)
        if !indent.consume(unstopped, into: &passed) { indent.finish(into: &passed) }
        emitPassed(into: &output)
        boundary.finish(into: &output)
    }

    private mutating func consumeReleased() {
        swap(&unstopped, &released)
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
