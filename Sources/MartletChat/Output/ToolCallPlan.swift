/// What a reader of calls needs of a `ToolCallFormat`.
struct ToolCallPlan: Sendable {
    /// What has ended a call's head.
    enum HeadEnd: Sendable, Equatable {
        /// What ends it in the form.
        case end
        /// The beginning of arguments that are an object.
        case object
        /// The beginning of the first argument.
        case argument
        /// The end of a call without arguments.
        case callEnd
    }

    let format: ToolCallFormat
    /// What is left of an opening behind its core, if anything is.
    let openingRest: [[UInt8]]
    let callOpeningRest: [[UInt8]]
    let opening: [[UInt8]]
    let callOpening: [[UInt8]]
    let callClosing: [[UInt8]]
    let closing: [[UInt8]]
    /// What ends a head in the form, as models may repeat it.
    let headEndParts: [[UInt8]]
    let headEnd: DelimiterAutomaton
    let headEnds: [HeadEnd]
    /// The last tag of a call that stands alone.
    let outerClosing: [UInt8]
    let tagged: TaggedArgumentPlan?
    /// Of the forms of other versions of the model.
    let others: [ToolCallPlan]

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
            // A fence alone says nothing.
            let callEnd = ChatFormatPlan.core(ChatFormat.beginsWithTag(format.callClosing) ? format.callClosing : "")
            headEndParts = LiteralMatcher.parts(head.end)
            ends = [(ChatFormatPlan.core(head.end), .end)]
            switch shape {
            // What ends the head may be missing.
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

/// What a reader of tagged arguments needs of a `TaggedArguments`.
struct TaggedArgumentPlan: Sendable {
    /// What a value ends with, or might where its closing tag is missing.
    enum ValueEnd: Sendable {
        case closing
        case argument
        case callClosing
    }

    let format: TaggedArguments
    let opening: [[UInt8]]
    let openingText: [UInt8]
    /// Ends the key: 0 = as it should, 1 = with what stands in front of the value.
    let keyEnd: DelimiterAutomaton
    /// What must follow the key's end in front of the value, or in front of the word that says its type.
    let middle: [[UInt8]]
    /// The end of the key, as models may repeat it.
    let keyEndParts: [[UInt8]]
    /// Ends the word that says the type.
    let wordEnd: DelimiterAutomaton?
    let closing: [UInt8]
    let valueEnd: DelimiterAutomaton
    let valueEnds: [ValueEnd]
    /// What follows the call's closing in a section.
    let sectionClosing: [[UInt8]]
    /// Whether a line feed stands between the tags and the value.
    let opensWithLineFeed: Bool
    let closesWithLineFeed: Bool

    /// - Parameter calls: The form that the arguments are of.
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
        // What stands in front of the value ends a key whose own end is missing.
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
