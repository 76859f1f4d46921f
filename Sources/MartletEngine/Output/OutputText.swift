/// Turns the bytes of tokens into output text: without stop strings, in whole characters.
///
/// The stages are: `StopMatcher`, `IndentGuard`, `CharacterBoundary`. Each withholds bytes until they are certain.
struct OutputText: Sendable {
    /// The reason why the text ends a generation.
    enum End: Sendable, Equatable {
        case stop(String)
        case indentation
    }

    private var stops: StopMatcher
    private var indent: IndentGuard
    private var boundary = CharacterBoundary()
    // Reused for every token, to avoid allocations.
    private var unstopped: [UInt8] = []
    private var passed: [UInt8] = []
    /// Bytes that a change of the stop strings has released. They are emitted with the next token.
    private var released: [UInt8] = []
    /// Whether the certain bytes contain a line break.
    private(set) var hasLineBreak = false
    /// The number of bytes of all consumed tokens.
    private(set) var consumedByteCount = 0
    /// The number of characters that begin in these bytes.
    private(set) var characterCount = 0
    /// The number of bytes that certainly belong to the output.
    private(set) var certainByteCount = 0

    init(stops: [String], minimumIndent: Int = 0) {
        self.stops = StopMatcher(stops)
        indent = IndentGuard(minimum: minimumIndent)
    }

    /// Consumes the bytes of a token, and appends the text that became certain.
    ///
    /// - Returns: the reason why the output ends here; `nil` if it continues. After an end only `finish(into:)` may be
    ///   called.
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

    /// Appends the withheld text; an unfinished character becomes U+FFFD.
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

    /// Whether a change of the stop strings has released text that is not emitted yet.
    var hasReleased: Bool { !released.isEmpty }

    /// Replaces the stop strings from the next token on. Text that was withheld for the old ones is emitted with that
    /// token.
    mutating func setStops(_ texts: [String]) {
        released += stops.release()
        stops = StopMatcher(texts)
    }
}
