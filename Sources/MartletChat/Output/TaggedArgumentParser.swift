import MartletJSON
import MartletJinja
import MartletSchema

/// Reads arguments that stand one by one between tags, and writes them as a JSON object.
struct TaggedArgumentParser: Sendable {
    enum Step {
        case more
        /// The call is complete, its end included.
        case end
        /// The call is complete in front of these bytes.
        case endBefore([UInt8])
        /// The byte begins arguments that are a JSON object.
        case object
        /// These bytes are no argument.
        case failed(text: [UInt8])
    }
    private enum Phase {
        /// In front of an argument or of the end of the call; `matcher` reads either.
        case gap
        /// The state of the search for its end.
        case key(Int)
        /// Between key and value.
        case middle
        /// The word that says what the value is.
        case word(Int)
        case value
        /// Within a value, behind what might be the end of the call: whether all of it has come.
        case callEnd(isWhole: Bool)
        /// Within a value, behind what might begin the next argument: the state of the search for its key's end.
        case nextKey(Int)
        case nested
    }
    /// What may stand in a gap.
    private enum GapText {
        static let argument = 0
        static let callEnd = 1
        static let valueEnd = 2
    }
    /// Longest key or word that is read.
    private static let maximumKey = 1_024

    private let plan: TaggedArgumentPlan
    private let gapTexts: [[[UInt8]]]
    private let tool: Int
    private let tools: OfferedTools
    private var phase = Phase.gap
    private var matcher: LiteralMatcher
    /// What has been read since the last argument, or behind what might end a value.
    private var pending: [UInt8] = []
    private var key: [UInt8] = []
    /// The keys of the arguments so far.
    private var keys: Set<[UInt8]> = []
    private var count = 0
    private var types = JSONTypes.all
    private var value: TaggedValue
    private var nested = NestedValueParser(prefix: [])

    init(_ plan: TaggedArgumentPlan, _ calls: ToolCallPlan, tool: Int, tools: OfferedTools) {
        self.plan = plan
        self.tool = tool
        self.tools = tools
        // Behind the first three: what shows that the end of the call is missing.
        gapTexts = [plan.opening, calls.callClosing, [plan.closing], calls.closing, calls.callOpening]
        matcher = LiteralMatcher(gapTexts)
        value = TaggedValue(plan, isText: true)
    }

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

    /// The answer is complete.
    /// - Returns: whether the call is, its last closing tag aside.
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

    private var location: SchemaLocation { tools.location(of: String(decoding: key, as: UTF8.self), inTool: tool) }

    // MARK: Gaps

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

    private mutating func startGap() {
        pending = []
        matcher = LiteralMatcher(gapTexts)
        phase = .gap
    }

    private mutating func end(_ output: inout [UInt8]) { output.append(contentsOf: (count == 0 ? "{}" : "}").utf8) }

    // MARK: Keys

    private mutating func consumeKey(_ byte: UInt8, _ state: Int, _ output: inout [UInt8]) -> Step {
        key.append(byte)
        guard key.count <= Self.maximumKey else { return .failed(text: key) }
        let next = plan.keyEnd.next(state, byte)
        phase = .key(next)
        guard let match = plan.keyEnd.match(next) else { return .more }
        key.removeLast(plan.keyEnd.length(of: match))
        return endKey(isInValue: match > 0, &output)
    }

    private mutating func endKey(isInValue: Bool, _ output: inout [UInt8]) -> Step {
        // Where closing tags begin as opening ones do, this is one.
        if plan.format.nestedPrefix != nil, key.first == UInt8(ascii: "/") {
            end(&output)
            return .end
        }
        // Models repeat tags.
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

    private mutating func consumeMiddle(_ byte: UInt8, _ output: inout [UInt8]) -> Step {
        pending.append(byte)
        switch matcher.consume(byte) {
        case .more: return .more
        case .match(0): beginWordOrValue(&output)
        case .match: matcher = LiteralMatcher([plan.middle, plan.keyEndParts])
        case .mismatch:
            guard plan.wordEnd == nil else { return .failed(text: pending) }
            // What stands in front of the value is missing.
            let bytes = Array(pending.drop(while: ArgumentTranscriber.isSpace))
            beginWordOrValue(&output)
            return consume(again: bytes, &output)
        }
        return .more
    }

    private mutating func beginWordOrValue(_ output: inout [UInt8]) {
        pending = []
        if plan.wordEnd != nil {
            phase = .word(DelimiterAutomaton.root)
        } else {
            beginValue(&output)
        }
    }

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

    private mutating func endArgument(_ output: inout [UInt8]) {
        if !value.isText {
            output.append(contentsOf: ArgumentText.json(value.text, as: value.isData ? .string : types))
        }
        startGap()
    }

    // MARK: Values whose closing tag is missing

    /// Only the end of the answer shows that this was the end of the call. A string may hold the same.
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

    /// The opening of another argument that the tool has ends the value.
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

    /// It was text after all.
    private mutating func resumeValue(_ output: inout [UInt8]) -> Step {
        let bytes = pending
        pending = []
        value.appendPending(into: &output)
        phase = .value
        return consume(again: bytes, &output)
    }

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

    private static func stripped(_ bytes: [UInt8]) -> [UInt8] {
        Array(ProvenanceText(String(decoding: bytes, as: UTF8.self), isTrusted: true).stripped().string.utf8)
    }
}
