import MartletJSON
import MartletJinja
import MartletSchema

/// Parses arguments that stand one by one between tags, and writes them as a JSON object.
///
///     <parameter=city>Oslo</parameter><parameter=days>3</parameter></function>   ->   {"city":"Oslo","days":3}
///
/// Strings are streamed; other values are buffered until their closing tag, because their type decides their JSON.
/// Models forget tags, so a value also ends where the next known argument or the end of the call follows.
///
///     gap ──opening──▶ key ──▶ middle ──▶ word? ──▶ value ──closing──▶ gap ──call closing──▶ end
///                                                   │  ▲
///                             possible end of call  ▼  │ it was text
///                                                callEnd, nextKey
struct TaggedArgumentParser: Sendable {
    /// The result of a byte.
    enum Step {
        case more
        /// The call is complete, including its closing delimiter.
        case end
        /// The call is complete in front of these bytes, which the caller consumes.
        case endBefore([UInt8])
        /// The byte begins a JSON object with all arguments.
        case object
        /// These bytes are no argument. The object written so far stays incomplete.
        case failed(text: [UInt8])
    }
    /// The position within an argument.
    private enum Phase {
        /// In front of an argument or of the end of the call. `matcher` matches both.
        case gap
        /// Within a key; the value is the state of `keyEnd`.
        case key(Int)
        /// Between key and value.
        case middle
        /// Within the word that names the type; the value is the state of `wordEnd`.
        case word(Int)
        case value
        /// Within a value, behind a possible end of the call. `isWhole`: all of that end has come.
        case callEnd(isWhole: Bool)
        /// Within a value, behind a possible opening of the next argument; the value is the state of `keyEnd`.
        case nextKey(Int)
        /// Within a value that is nested tags.
        case nested
    }
    /// Indices of the texts that may stand in a gap.
    private enum GapText {
        static let argument = 0
        static let callEnd = 1
        static let valueEnd = 2
    }
    /// Most bytes of a key or a word.
    private static let maximumKey = 1_024

    private let plan: TaggedArgumentPlan
    private let gapTexts: [[[UInt8]]]
    private let tool: Int
    private let tools: OfferedTools
    private var phase = Phase.gap
    private var matcher: LiteralMatcher
    /// Bytes since the last argument, or behind a possible end of the value. They become text if they are no
    /// delimiter.
    private var pending: [UInt8] = []
    private var key: [UInt8] = []
    /// The keys of the arguments so far. A repeated key cannot end a value.
    private var keys: Set<[UInt8]> = []
    /// The number of arguments so far.
    private var count = 0
    /// The types that the schema, or the type word, allows for the current value.
    private var types = JSONTypes.all
    private var value: TaggedValue
    private var nested = NestedValueParser(prefix: [])

    init(_ plan: TaggedArgumentPlan, _ calls: ToolCallPlan, tool: Int, tools: OfferedTools) {
        self.plan = plan
        self.tool = tool
        self.tools = tools
        // Behind the first three: delimiters which show that the end of the call is missing.
        gapTexts = [plan.opening, calls.callClosing, [plan.closing], calls.closing, calls.callOpening]
        matcher = LiteralMatcher(gapTexts)
        value = TaggedValue(plan, isText: true)
    }

    /// Consumes a byte and appends JSON to `output`.
    mutating func consume(_ byte: UInt8, into output: inout [UInt8]) -> Step {
        switch phase {
        case .gap: return consumeGap(byte, &output)
        case .key(let state): return consumeKey(byte, state, &output)
        case .middle: return consumeMiddle(byte, &output)
        case .word(let state): return consumeWord(byte, state, &output)
        case .value:
            switch value.consume(byte, into: &output) {
            case nil: break
            case .closing?: endArgument(&output)
            case .argument?:
                pending = []
                phase = .nextKey(DelimiterAutomaton.root)
            case .callClosing?:
                pending = []
                matcher = LiteralMatcher([plan.sectionClosing])
                phase = .callEnd(isWhole: plan.sectionClosing.isEmpty)
            }
            return .more
        case .callEnd(let isWhole): return consumeCallEnd(byte, isWhole, &output)
        case .nextKey(let state): return consumeNextKey(byte, state, &output)
        case .nested:
            switch nested.consume(byte) {
            case .more: return .more
            case .done:
                output.append(contentsOf: nested.json(at: location))
                startGap()
                return .more
            case .failed: return .failed(text: [byte])
            }
        }
    }

    /// Ends the output.
    /// - Returns: whether the call is complete, except for its last closing tag.
    mutating func finish(into output: inout [UInt8]) -> Bool {
        switch phase {
        case .callEnd(isWhole: true): break
        case .callEnd, .nextKey:
            _ = resumeValue(&output)
            return false
        default: return false
        }
        value.end(into: &output)
        endArgument(&output)
        end(&output)
        return true
    }

    /// The location of the current argument in the tool's schema.
    private var location: SchemaLocation { tools.location(of: String(decoding: key, as: UTF8.self), inTool: tool) }

    // MARK: Gaps

    /// Consumes a byte between two arguments.
    private mutating func consumeGap(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        if byte == UInt8(ascii: "{"), count == 0, matcher.isAtBeginning { return .object }
        pending.append(byte)
        switch matcher.consume(byte) {
        case .more: return .more
        case .match(GapText.argument):
            pending = []
            key = []
            phase = .key(DelimiterAutomaton.root)
            return .more
        case .match(GapText.callEnd):
            end(&output)
            return .end
        case .match(GapText.valueEnd):
            startGap()
            return .more
        case .match:
            end(&output)
            return .endBefore(pending)
        case .mismatch: return .failed(text: pending)
        }
    }

    /// Begins a gap behind an argument.
    private mutating func startGap() {
        pending = []
        matcher = LiteralMatcher(gapTexts)
        phase = .gap
    }

    /// Writes the end of the object.
    private mutating func end(_ output: inout [UInt8]) { output.append(contentsOf: (count == 0 ? "{}" : "}").utf8) }

    // MARK: Keys

    /// Consumes a byte of a key.
    private mutating func consumeKey(_ byte: UInt8, _ state: Int, _ output: inout [UInt8]) -> Step {
        key.append(byte)
        guard key.count <= Self.maximumKey else { return .failed(text: key) }
        let next = plan.keyEnd.next(state, byte)
        phase = .key(next)
        guard let match = plan.keyEnd.match(next) else { return .more }
        key.removeLast(plan.keyEnd.length(of: match))
        return endKey(isInValue: match > 0, &output)
    }

    /// Ends a key. `isInValue`: the text in front of the value came at once.
    private mutating func endKey(isInValue: Bool, _ output: inout [UInt8]) -> Step {
        // In this format a closing tag begins as an opening one does, so a key `/…` is a closing tag.
        if plan.format.nestedPrefix != nil, key.first == UInt8(ascii: "/") {
            end(&output)
            return .end
        }
        // Models repeat opening tags.
        while key.starts(with: plan.openingText) { key.removeFirst(plan.openingText.count) }
        key = Self.stripped(key)
        types = location.types
        if plan.middle.isEmpty || isInValue {
            beginWordOrValue(&output)
        } else {
            matcher = LiteralMatcher([plan.middle, plan.keyEndParts])
            phase = .middle
        }
        return .more
    }

    /// Consumes a byte between key and value.
    private mutating func consumeMiddle(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        pending.append(byte)
        switch matcher.consume(byte) {
        case .more: return .more
        case .match(0): beginWordOrValue(&output)
        case .match: matcher = LiteralMatcher([plan.middle, plan.keyEndParts])
        case .mismatch:
            guard plan.wordEnd == nil else { return .failed(text: pending) }
            // The text in front of the value is missing: the bytes belong to the value.
            let bytes = Array(pending.drop(while: ArgumentTranscriber.isSpace))
            beginWordOrValue(&output)
            return consume(again: bytes, &output)
        }
        return .more
    }

    /// Begins the type word if the format has one, else the value.
    private mutating func beginWordOrValue(_ output: inout [UInt8]) {
        pending = []
        if plan.wordEnd != nil {
            phase = .word(DelimiterAutomaton.root)
        } else {
            beginValue(&output)
        }
    }

    /// Consumes a byte of the type word. An unknown word leaves the types of the schema.
    private mutating func consumeWord(_ byte: UInt8, _ state: Int, _ output: inout [UInt8]) -> Step {
        guard let wordEnd = plan.wordEnd, pending.count < Self.maximumKey else { return .failed(text: pending) }
        pending.append(byte)
        let next = wordEnd.next(state, byte)
        phase = .word(next)
        guard wordEnd.match(next) != nil else { return .more }
        let word = String(decoding: pending.dropLast(wordEnd.depth(next)), as: UTF8.self)
        pending = []
        switch word {
        case "true", "string": types = .string
        case "false", "number", "integer", "boolean", "array", "object", "null": types = .all.subtracting(.string)
        default: break
        }
        beginValue(&output)
        return .more
    }

    // MARK: Values

    /// Begins a value: writes the key, and the opening quote of a string.
    private mutating func beginValue(_ output: inout [UInt8]) {
        output.append(UInt8(ascii: count == 0 ? "{" : ","))
        count += 1
        keys.insert(key)
        JSONText.appendString(key, to: &output)
        output.append(UInt8(ascii: ":"))
        if let prefix = plan.format.nestedPrefix {
            nested = NestedValueParser(prefix: Array(prefix.utf8))
            phase = .nested
        } else {
            value = TaggedValue(plan, isText: types == .string && !plan.format.allowsCDATA)
            value.begin(&output)
            phase = .value
        }
    }

    /// Ends an argument: writes a buffered value.
    private mutating func endArgument(_ output: inout [UInt8]) {
        if !value.isText {
            output.append(contentsOf: ArgumentText.json(value.text, as: value.isData ? .string : types))
        }
        startGap()
    }

    // MARK: Values whose closing tag is missing

    /// Consumes a byte behind a possible end of the call. Only the end of the output shows that it was one; a string
    /// may contain the same text.
    private mutating func consumeCallEnd(_ byte: UInt8, _ isWhole: Bool, _ output: inout [UInt8]) -> Step {
        pending.append(byte)
        guard pending.count <= Self.maximumKey else { return resumeValue(&output) }
        if isWhole { return ArgumentTranscriber.isSpace(byte) ? .more : resumeValue(&output) }
        switch matcher.consume(byte) {
        case .more: break
        case .match: phase = .callEnd(isWhole: true)
        case .mismatch: return resumeValue(&output)
        }
        return .more
    }

    /// Consumes a byte behind a possible opening. It ends the value only if it names another argument of the tool that
    /// has not been written.
    private mutating func consumeNextKey(_ byte: UInt8, _ state: Int, _ output: inout [UInt8]) -> Step {
        pending.append(byte)
        let next = plan.keyEnd.next(state, byte)
        phase = .nextKey(next)
        guard let match = plan.keyEnd.match(next) else {
            let isKey = plan.keyEnd.depth(next) > 0 || !pending.contains(UInt8(ascii: "<"))
            return isKey && byte != 0x0A && pending.count <= Self.maximumKey ? .more : resumeValue(&output)
        }
        var name = Array(pending.dropLast(plan.keyEnd.length(of: match)))
        if let rest = plan.opening.dropFirst().first {
            name = Self.stripped(name)
            guard name.starts(with: rest) else { return resumeValue(&output) }
            name.removeFirst(rest.count)
        }
        name = Self.stripped(name)
        guard tools.names(String(decoding: name, as: UTF8.self), inTool: tool), !keys.contains(name) else {
            return resumeValue(&output)
        }
        value.end(into: &output)
        endArgument(&output)
        key = name
        return endKey(isInValue: match > 0, &output)
    }

    /// Returns to the value: the pending bytes were part of it.
    private mutating func resumeValue(_ output: inout [UInt8]) -> Step {
        let bytes = pending
        pending = []
        value.appendPending(into: &output)
        phase = .value
        return consume(again: bytes, &output)
    }

    /// Consumes bytes again that were parsed as something else.
    private mutating func consume(again bytes: [UInt8], _ output: inout [UInt8]) -> Step {
        for (index, byte) in bytes.enumerated() {
            let rest = bytes[(index + 1)...]
            switch consume(byte, into: &output) {
            case .more: continue
            case .end: return .endBefore(Array(rest))
            case .endBefore(let bytes): return .endBefore(bytes + rest)
            case .object: return .object
            case .failed(let text): return .failed(text: text + rest)
            }
        }
        return .more
    }

    /// The bytes without Python's white space at both ends.
    private static func stripped(_ bytes: [UInt8]) -> [UInt8] {
        Array(ProvenanceText(String(decoding: bytes, as: UTF8.self), isTrusted: true).stripped().string.utf8)
    }
}
