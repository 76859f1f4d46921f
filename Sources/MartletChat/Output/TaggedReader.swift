import MartletJSON
import MartletSchema

/// Reads arguments that stand one by one between tags, and writes them as a JSON object.
struct TaggedReader: Sendable {
    enum Step {
        case more
        /// The call is complete, its end included.
        case end
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
        case nested
    }
    /// Longest key or word that is read.
    private static let maximumKey = 1_024

    private let plan: TaggedPlan
    private let callClosing: [[UInt8]]
    private let tool: Int
    private let tools: OfferedTools
    private var phase = Phase.gap
    private var matcher: LiteralMatcher
    /// What has been read since the last argument.
    private var held: [UInt8] = []
    private var key: [UInt8] = []
    private var count = 0
    private var types = JSONTypes.all
    private var value: TaggedValue
    private var nested = NestedValueReader(prefix: [])

    /// - Parameter isInArgument: Whether the opening of the first argument has been read.
    init(_ plan: TaggedPlan, callClosing: [[UInt8]], tool: Int, tools: OfferedTools, isInArgument: Bool) {
        self.plan = plan
        self.callClosing = callClosing
        self.tool = tool
        self.tools = tools
        matcher = LiteralMatcher([plan.opening, callClosing])
        value = TaggedValue(plan, isText: true)
        if isInArgument { phase = .key(MarkerAutomaton.root) }
    }

    mutating func take(_ byte: UInt8, into output: inout [UInt8]) -> Step {
        switch phase {
        case .gap:
            held.append(byte)
            switch matcher.take(byte) {
            case .more: break
            case .match(0):
                held = []
                key = []
                phase = .key(MarkerAutomaton.root)
            case .match: return end(&output)
            case .mismatch: return .failed(text: held)
            }
        case .key(let state):
            key.append(byte)
            guard key.count <= Self.maximumKey else { return .failed(text: key) }
            let next = plan.keyEnd.next(state, byte)
            phase = .key(next)
            if plan.keyEnd.match(next) != nil {
                key.removeLast(plan.keyEnd.depth(next))
                return endKey(&output)
            }
        case .middle:
            held.append(byte)
            switch matcher.take(byte) {
            case .more: break
            case .match: beginWordOrValue(&output)
            case .mismatch: return .failed(text: held)
            }
        case .word(let state): return takeWord(byte, state, &output)
        case .value:
            if value.take(byte, into: &output) { endArgument(&output) }
        case .nested:
            switch nested.take(byte) {
            case .more: break
            case .done:
                output.append(contentsOf: nested.json(at: place))
                startGap()
            case .failed: return .failed(text: [byte])
            }
        }
        return .more
    }

    private var place: SchemaPlace { tools.place(of: String(decoding: key, as: UTF8.self), inTool: tool) }

    private mutating func end(_ output: inout [UInt8]) -> Step {
        output.append(contentsOf: (count == 0 ? "{}" : "}").utf8)
        return .end
    }

    private mutating func endKey(_ output: inout [UInt8]) -> Step {
        // Where closing tags begin as opening ones do, this is one.
        if plan.syntax.nestedPrefix != nil, key.first == UInt8(ascii: "/") { return end(&output) }
        key = Array(Text(String(decoding: key, as: UTF8.self), isTrusted: true).stripped().string.utf8)
        types = place.types
        if plan.middle.isEmpty {
            beginWordOrValue(&output)
        } else {
            matcher = LiteralMatcher([plan.middle])
            phase = .middle
        }
        return .more
    }

    private mutating func beginWordOrValue(_ output: inout [UInt8]) {
        held = []
        if plan.wordEnd != nil {
            phase = .word(MarkerAutomaton.root)
        } else {
            beginValue(&output)
        }
    }

    private mutating func takeWord(_ byte: UInt8, _ state: Int, _ output: inout [UInt8]) -> Step {
        guard let wordEnd = plan.wordEnd, held.count < Self.maximumKey else { return .failed(text: held) }
        held.append(byte)
        let next = wordEnd.next(state, byte)
        phase = .word(next)
        guard wordEnd.match(next) != nil else { return .more }
        let word = String(decoding: held.dropLast(wordEnd.depth(next)), as: UTF8.self)
        held = []
        switch word {
        case "true", "string": types = .string
        case "false", "number", "integer", "boolean", "array", "object", "null": types = .all.subtracting(.string)
        default: break
        }
        beginValue(&output)
        return .more
    }

    private mutating func beginValue(_ output: inout [UInt8]) {
        output.append(UInt8(ascii: count == 0 ? "{" : ","))
        count += 1
        JSONText.appendString(key, to: &output)
        output.append(UInt8(ascii: ":"))
        if let prefix = plan.syntax.nestedPrefix {
            nested = NestedValueReader(prefix: Array(prefix.utf8))
            phase = .nested
        } else {
            value = TaggedValue(plan, isText: types == .string && !plan.syntax.allowsCDATA)
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

    private mutating func startGap() {
        matcher = LiteralMatcher([plan.opening, callClosing])
        phase = .gap
    }
}

/// The value of one argument, up to its closing tag.
struct TaggedValue: Sendable {
    private static let dataStart = Array("<![CDATA[".utf8)
    private static let dataEnd = Array("]]>".utf8)

    private let plan: TaggedPlan
    /// Whether it is a string, which is handed on as it comes.
    let isText: Bool
    /// What is kept of any other value.
    private(set) var text: [UInt8] = []
    /// Whether it stood in `<![CDATA[…]]>`, so that it is a string whatever it says.
    private(set) var isData = false
    private var matched = 0
    private var isAtBeginning = true
    /// Whether a line feed has been read that may belong to the closing tag.
    private var holdsLineFeed = false

    init(_ plan: TaggedPlan, isText: Bool) {
        self.plan = plan
        self.isText = isText
    }

    func begin(_ output: inout [UInt8]) {
        if isText { output.append(UInt8(ascii: "\"")) }
    }

    /// - Returns: whether the value is complete.
    mutating func take(_ byte: UInt8, into output: inout [UInt8]) -> Bool {
        if isAtBeginning {
            isAtBeginning = false
            if plan.opensWithLineFeed, byte == 0x0A { return false }
        }
        let before = matched
        matched = plan.closingMatcher.next(after: matched, byte)
        if matched == plan.closing.count {
            if isInData {
                write(plan.closing, &output)
                matched = 0
                return false
            }
            end(&output)
            return true
        }
        if matched > before { return false }
        // What was held of a closing tag is text after all, but for its end that may still begin one.
        let released = before + 1 - matched
        if released > 0 {
            writeLineFeed(&output)
            let bytes = plan.closing[..<before] + [byte]
            for byte in bytes.prefix(released) { writeByte(byte, &output) }
        }
        return false
    }

    private mutating func writeByte(_ byte: UInt8, _ output: inout [UInt8]) {
        if plan.closesWithLineFeed, byte == 0x0A {
            writeLineFeed(&output)
            holdsLineFeed = true
        } else {
            writeLineFeed(&output)
            write(CollectionOfOne(byte), &output)
        }
    }

    private mutating func writeLineFeed(_ output: inout [UInt8]) {
        if holdsLineFeed { write(CollectionOfOne(0x0A), &output) }
        holdsLineFeed = false
    }

    private mutating func write(_ bytes: some Sequence<UInt8>, _ output: inout [UInt8]) {
        if isText { JSONText.appendEscaped(bytes, to: &output) } else { text.append(contentsOf: bytes) }
    }

    private var isInData: Bool {
        plan.syntax.allowsCDATA && text.starts(with: Self.dataStart)
            && !Array(text.suffix(3)).elementsEqual(Self.dataEnd)
    }

    private mutating func end(_ output: inout [UInt8]) {
        if isText {
            output.append(UInt8(ascii: "\""))
        } else if plan.syntax.allowsCDATA, text.starts(with: Self.dataStart), text.count >= 12 {
            text = Array(text[Self.dataStart.count..<text.count - Self.dataEnd.count])
            isData = true
        }
    }
}
