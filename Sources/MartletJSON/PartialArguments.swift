/// The arguments of a call within which an answer was cut off: `{"city": "Os` reads as `{"city": "Os"}`.
///
/// A client sends such a call back unchanged. The certain part of the arguments is kept: whole values, and the
/// beginning of a string.
package enum PartialArguments {
    /// The object that begins so; `nil` if `text` is no beginning of an object.
    package static func object(beginning text: String) -> JSONValue? {
        let bytes = Array(text.utf8)
        var scan = Scan()
        for (index, byte) in bytes.enumerated() where !scan.consume(byte, at: index) { return nil }
        var whole = Array(bytes[..<scan.end(of: bytes.count)])
        if scan.isInValue { whole.append(UInt8(ascii: "\"")) }
        for bracket in scan.open(atEnd: bytes.count).reversed() {
            whole.append(UInt8(ascii: bracket == UInt8(ascii: "{") ? "}" : "]"))
        }
        guard let value = try? JSONParser.parse(whole), case .object = value else { return nil }
        return value
    }

    private struct Scan {
        private static let wordBytes = Set("0123456789+-.eEtrufalsn".utf8)

        /// The brackets that are open.
        private var stack: [UInt8] = []
        /// Whether a key, not a value, comes next.
        private var awaitsKey = false
        private var isInString = false
        private var isKey = false
        /// Where the escape began that the string is in.
        private var escape: (start: Int, length: Int)?
        /// The place behind the last bracket, comma or whole value, with the brackets that are open there.
        private var certain: (end: Int, stack: [UInt8]) = (0, [])

        /// Whether the text ends in a string that is a value.
        var isInValue: Bool { isInString && !isKey }

        /// How much of a text of `count` bytes is certain.
        func end(of count: Int) -> Int { isInValue ? escape?.start ?? count : certain.end }

        func open(atEnd count: Int) -> [UInt8] { isInValue ? stack : certain.stack }

        /// - Returns: whether the text can go on with this byte, as far as brackets tell.
        mutating func consume(_ byte: UInt8, at index: Int) -> Bool {
            if isInString {
                consumeInString(byte, at: index)
                return true
            }
            if stack.isEmpty, byte != UInt8(ascii: "{") || certain.end > 0, !Self.isSpace(byte) { return false }
            switch byte {
            case UInt8(ascii: "\""):
                isInString = true
                isKey = awaitsKey
            case UInt8(ascii: "{"), UInt8(ascii: "["):
                guard stack.count < 256 else { return false }
                stack.append(byte)
                awaitsKey = byte == UInt8(ascii: "{")
                certain = (index + 1, stack)
            case UInt8(ascii: "}"), UInt8(ascii: "]"):
                guard stack.popLast() == (byte == UInt8(ascii: "}") ? UInt8(ascii: "{") : UInt8(ascii: "[")) else {
                    return false
                }
                awaitsKey = false
                certain = (index + 1, stack)
            case UInt8(ascii: ","):
                // The value before it is whole.
                awaitsKey = stack.last == UInt8(ascii: "{")
                certain = (index, stack)
            case UInt8(ascii: ":"): awaitsKey = false
            case _ where Self.isSpace(byte): break
            // Of a number, or of true, false or null.
            default: return Self.wordBytes.contains(byte)
            }
            return true
        }

        private static func isSpace(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: " ") || byte == 0x09 || byte == 0x0A || byte == 0x0D
        }

        private mutating func consumeInString(_ byte: UInt8, at index: Int) {
            if let begun = escape {
                let length = begun.length == 0 ? (byte == UInt8(ascii: "u") ? 5 : 1) : begun.length - 1
                escape = length == 1 ? nil : (begun.start, length)
            } else if byte == UInt8(ascii: "\\") {
                escape = (index, 0)
            } else if byte == UInt8(ascii: "\"") {
                isInString = false
                if !isKey { certain = (index + 1, stack) }
            }
        }
    }
}
