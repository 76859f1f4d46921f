/// A `ToolCallFormat` compiled for the parser.
struct ToolCallPlan: Sendable {
    /// The text that ended a call's head.
    enum HeadEnd: Sendable, Equatable {
        /// The end that the format prescribes.
        case end
        /// The first byte of arguments that are an object.
        case object
        /// The opening tag of the first argument.
        case argument
        /// The closing delimiter of a call without arguments.
        case callEnd
    }

    let format: ToolCallFormat
    /// The parts of the section's opening behind its first part.
    let openingRest: [[UInt8]]
    /// The parts of the call's opening behind its first part.
    let callOpeningRest: [[UInt8]]
    /// The delimiters as parts between white space.
    let opening: [[UInt8]]
    let callOpening: [[UInt8]]
    let callClosing: [[UInt8]]
    let closing: [[UInt8]]
    /// The end of a head as parts. Models repeat it.
    let headEndParts: [[UInt8]]
    /// All texts that may end a head.
    let headEnd: DelimiterAutomaton
    /// The meaning of each of these texts.
    let headEnds: [HeadEnd]
    /// The last tag of a call that stands in no section. It is removed behind a broken call.
    let outerClosing: [UInt8]
    /// The plan of tagged arguments; nil for other notations.
    let tagged: TaggedArgumentPlan?
    /// The plans of other versions of the model.
    let others: [ToolCallPlan]

    /// Compiles the format; some microseconds.
    init(_ format: ToolCallFormat) {
        others = format.otherForms.map(ToolCallPlan.init)
        self.format = format
        opening = LiteralMatcher.parts(format.opening)
        openingRest = Array(opening.dropFirst())
        callOpening = LiteralMatcher.parts(format.callOpening)
        callOpeningRest = Array(callOpening.dropFirst())
        callClosing = LiteralMatcher.parts(format.callClosing)
        closing = LiteralMatcher.parts(format.closing)
        let outer = ChatFormatPlan.trimmed(format.closing)
        outerClosing = outer.isEmpty ? ChatFormatPlan.trimmed(format.callClosing) : outer
        var ends: [(text: [UInt8], end: HeadEnd)] = []
        var tagged: TaggedArgumentPlan?
        var headEndParts: [[UInt8]] = []
        if case .headed(let head, let shape) = format.shape {
            // Behind a head, a fence alone does not show that a call ends.
            let callEnd = ChatFormatPlan.core(ChatFormat.beginsWithTag(format.callClosing) ? format.callClosing : "")
            headEndParts = LiteralMatcher.parts(head.end)
            ends = [(ChatFormatPlan.core(head.end), .end)]
            switch shape {
            // The delimiter that ends the head may be missing: a brace or a closing tag ends it too.
            case .object: ends += [(Array("{".utf8), .object), (callEnd, .callEnd)]
            case .python: ends = [(Array("(".utf8), .end)]
            case .gemma: ends = [(Array("{".utf8), .end)]
            case .tagged(let arguments):
                tagged = TaggedArgumentPlan(arguments, of: format)
                ends += [(ChatFormatPlan.core(arguments.opening), .argument), (callEnd, .callEnd)]
            }
        }
        ends.removeAll { $0.text.isEmpty }
        headEnd = DelimiterAutomaton(ends.map(\.text))
        headEnds = ends.map(\.end)
        self.headEndParts = headEndParts
        self.tagged = tagged
    }
}

/// `TaggedArguments` compiled for the parser and for the grammar.
struct TaggedArgumentPlan: Sendable {
    /// The delimiter with which a value ends, or may end if its closing tag is missing.
    enum ValueEnd: Sendable {
        /// The closing tag of the argument: certain.
        case closing
        /// The opening tag of another argument: certain only if it names one.
        case argument
        /// The closing delimiter of the call: certain only at the end of the output.
        case callClosing
    }

    let format: TaggedArguments
    /// The opening tag of an argument as parts.
    let opening: [[UInt8]]
    /// The opening tag without white space at its ends.
    let openingText: [UInt8]
    /// The texts that end a key: 0 = the prescribed one, 1 = the text in front of the value.
    let keyEnd: DelimiterAutomaton
    /// The parts between the key's end and the value, or between it and the word that names the type.
    let middle: [[UInt8]]
    /// The end of a key as parts. Models repeat it.
    let keyEndParts: [[UInt8]]
    /// The text that ends the word which names the type; nil if the format has no such word.
    let wordEnd: DelimiterAutomaton?
    /// The closing tag of an argument.
    let closing: [UInt8]
    /// All texts that end a value or may end it.
    let valueEnd: DelimiterAutomaton
    /// The meaning of each of these texts.
    let valueEnds: [ValueEnd]
    /// The section's closing, which follows the closing of the last call.
    let sectionClosing: [[UInt8]]
    /// Whether a line feed stands between the opening tag and the value, and between the value and the closing tag.
    let opensWithLineFeed: Bool
    let closesWithLineFeed: Bool

    /// - Parameter calls: the format of calls that the arguments belong to.
    init(_ format: TaggedArguments, of calls: ToolCallFormat) {
        self.format = format
        opening = LiteralMatcher.parts(format.opening)
        var parts: [[UInt8]]
        switch format.middle {
        case .text(let text):
            parts = LiteralMatcher.parts(text)
            wordEnd = nil
            opensWithLineFeed = text.hasSuffix("\n")
        case .typed(let front, _, let back):
            parts = LiteralMatcher.parts(front)
            wordEnd = DelimiterAutomaton([ChatFormatPlan.core(back)])
            opensWithLineFeed = back.hasSuffix("\n")
        }
        let first = parts.removeFirst()
        keyEndParts = [first]
        middle = parts
        // The text in front of the value also ends a key whose own end is missing.
        keyEnd = DelimiterAutomaton([first] + (wordEnd == nil ? Array(parts.suffix(1)) : []))
        let closing = ChatFormatPlan.core(format.closing)
        self.closing = closing
        closesWithLineFeed = format.closing.hasPrefix("\n")
        let others = [
            (ChatFormatPlan.core(format.opening), ValueEnd.argument),
            (ChatFormatPlan.core(calls.callClosing), .callClosing),
        ].filter { $0.0.count > 2 && !$0.0.starts(with: closing) && !closing.starts(with: $0.0) }
        valueEnd = DelimiterAutomaton([closing] + others.map(\.0))
        valueEnds = [.closing] + others.map(\.1)
        sectionClosing = LiteralMatcher.parts(calls.closing)
        openingText = ChatFormatPlan.trimmed(format.opening)
    }
}
