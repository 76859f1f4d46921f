import MartletJSON

/// The value of one argument, up to its closing tag.
///
/// A string is written to the output as it comes; any other value is buffered in `text`. The bytes of a possible
/// closing tag stay pending.
struct TaggedValue: Sendable {
    /// `<![CDATA[` … `]]>`: a string in which tags are text (MiniCPM).
    private static let dataStart = Array("<![CDATA[".utf8)
    private static let dataEnd = Array("]]>".utf8)

    private let plan: TaggedArgumentPlan
    /// Whether the value is a string, which is streamed.
    let isText: Bool
    /// The bytes of a value that is not a string.
    private(set) var text: [UInt8] = []
    /// Whether the value stood in `<![CDATA[…]]>`, so that it is a string in any case.
    private(set) var isData = false
    /// The possible beginning of a tag that ends the value.
    private var pending: [UInt8] = []
    private var node = DelimiterAutomaton.root
    private var isAtBeginning = true
    /// Whether a line feed is pending that may belong to the closing tag.
    private var hasPendingLineFeed = false

    init(_ plan: TaggedArgumentPlan, isText: Bool) {
        self.plan = plan
        self.isText = isText
    }

    /// Writes the opening quote of a string.
    func begin(_ output: inout [UInt8]) {
        if isText { output.append(UInt8(ascii: "\"")) }
    }

    /// Consumes a byte of the value.
    /// - Returns: the delimiter that ended the value, or may have ended it. In the second case its bytes stay pending
    ///   until `appendPending` or `end`.
    mutating func consume(_ byte: UInt8, into output: inout [UInt8]) -> TaggedArgumentPlan.ValueEnd? {
        if isAtBeginning {
            isAtBeginning = false
            if plan.opensWithLineFeed, byte == 0x0A { return nil }
        }
        pending.append(byte)
        node = plan.valueEnd.next(node, byte)
        // Pending bytes that no longer begin a tag are text. The last bytes may begin another one.
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

    /// Appends the pending bytes: they were text.
    mutating func appendPending(into output: inout [UInt8]) {
        for byte in pending { writeByte(byte, &output) }
        pending = []
        node = DelimiterAutomaton.root
    }

    /// Ends the value in front of the pending bytes.
    mutating func end(into output: inout [UInt8]) {
        pending = []
        if isText {
            output.append(UInt8(ascii: "\""))
        } else if plan.format.allowsCDATA, text.starts(with: Self.dataStart), text.count >= 12 {
            text = Array(text[Self.dataStart.count..<text.count - Self.dataEnd.count])
            isData = true
        }
    }

    /// Writes a byte. A line feed stays pending if the format puts one in front of the closing tag.
    private mutating func writeByte(_ byte: UInt8, _ output: inout [UInt8]) {
        if plan.closesWithLineFeed, byte == 0x0A {
            writeLineFeed(&output)
            hasPendingLineFeed = true
        } else {
            writeLineFeed(&output)
            write(CollectionOfOne(byte), &output)
        }
    }

    /// Writes the pending line feed.
    private mutating func writeLineFeed(_ output: inout [UInt8]) {
        if hasPendingLineFeed { write(CollectionOfOne(0x0A), &output) }
        hasPendingLineFeed = false
    }

    /// Writes bytes of the value, escaped in a string.
    private mutating func write(_ bytes: some Sequence<UInt8>, _ output: inout [UInt8]) {
        if isText { JSONText.appendEscaped(bytes, to: &output) } else { text.append(contentsOf: bytes) }
    }

    /// Whether the value is within `<![CDATA[`, where tags have no meaning.
    private var isInData: Bool {
        plan.format.allowsCDATA && text.starts(with: Self.dataStart)
            && !Array(text.suffix(3)).elementsEqual(Self.dataEnd)
    }
}
