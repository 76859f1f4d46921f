import MartletJSON

/// The value of one argument, up to its closing tag.
struct TaggedValue: Sendable {
    private static let dataStart = Array("<![CDATA[".utf8)
    private static let dataEnd = Array("]]>".utf8)

    private let plan: TaggedArgumentPlan
    /// Whether it is a string, which is handed on as it comes.
    let isText: Bool
    /// What is kept of any other value.
    private(set) var text: [UInt8] = []
    /// Whether it stood in `<![CDATA[…]]>`, so that it is a string whatever it says.
    private(set) var isData = false
    /// What may be the beginning of a tag that ends the value.
    private var pending: [UInt8] = []
    private var node = DelimiterAutomaton.root
    private var isAtBeginning = true
    /// Whether a line feed has been read that may belong to the closing tag.
    private var hasPendingLineFeed = false

    init(_ plan: TaggedArgumentPlan, isText: Bool) {
        self.plan = plan
        self.isText = isText
    }

    func begin(_ output: inout [UInt8]) {
        if isText { output.append(UInt8(ascii: "\"")) }
    }

    /// - Returns: what has ended the value, or might. What only might is kept until `appendPending` or `end`.
    mutating func consume(_ byte: UInt8, into output: inout [UInt8]) -> TaggedArgumentPlan.ValueEnd? {
        if isAtBeginning {
            isAtBeginning = false
            if plan.opensWithLineFeed, byte == 0x0A { return nil }
        }
        pending.append(byte)
        node = plan.valueEnd.next(node, byte)
        // What was pending of a tag is text after all, but for its end that may still begin one.
        let released = pending.count - plan.valueEnd.depth(node)
        if released > 0 {
            for byte in pending[..<released] { writeByte(byte, &output) }
            pending.removeFirst(released)
        }
        guard let match = plan.valueEnd.match(node) else { return nil }
        if isInData {
            appendPending(into: &output)
            return nil
        }
        node = DelimiterAutomaton.root
        if plan.valueEnds[match] == .closing { end(into: &output) }
        return plan.valueEnds[match]
    }

    /// What might have ended the value is a part of it.
    mutating func appendPending(into output: inout [UInt8]) {
        for byte in pending { writeByte(byte, &output) }
        pending = []
        node = DelimiterAutomaton.root
    }

    /// The value ends in front of what is pending.
    mutating func end(into output: inout [UInt8]) {
        pending = []
        if isText {
            output.append(UInt8(ascii: "\""))
        } else if plan.format.allowsCDATA, text.starts(with: Self.dataStart), text.count >= 12 {
            text = Array(text[Self.dataStart.count..<text.count - Self.dataEnd.count])
            isData = true
        }
    }

    private mutating func writeByte(_ byte: UInt8, _ output: inout [UInt8]) {
        if plan.closesWithLineFeed, byte == 0x0A {
            writeLineFeed(&output)
            hasPendingLineFeed = true
        } else {
            writeLineFeed(&output)
            write(CollectionOfOne(byte), &output)
        }
    }

    private mutating func writeLineFeed(_ output: inout [UInt8]) {
        if hasPendingLineFeed { write(CollectionOfOne(0x0A), &output) }
        hasPendingLineFeed = false
    }

    private mutating func write(_ bytes: some Sequence<UInt8>, _ output: inout [UInt8]) {
        if isText { JSONText.appendEscaped(bytes, to: &output) } else { text.append(contentsOf: bytes) }
    }

    private var isInData: Bool {
        plan.format.allowsCDATA && text.starts(with: Self.dataStart)
            && !Array(text.suffix(3)).elementsEqual(Self.dataEnd)
    }
}
