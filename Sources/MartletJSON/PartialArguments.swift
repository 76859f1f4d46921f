/// Completes the arguments of a tool call that ended in the middle: `{"city": "Os` becomes `{"city": "Os"}`.
///
/// A client that sends the conversation back contains such arguments unchanged. The part that is certain is used:
/// complete values, and the beginning of a string. An incomplete number or word is dropped, since `12` may be the
/// beginning of `123`.
package enum PartialArguments {
    /// The object that `text` begins; `nil` if `text` is not the beginning of a JSON object.
    ///
    /// - Complexity: O(n); nesting is limited to 256.
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

    /// Follows brackets and strings of the text; the parser checks everything else afterwards.
    private struct Scan {
        /// The bytes of numbers, `true`, `false` and `null`.
        private static let wordBytes = Set("0123456789+-.eEtrufalsn".utf8)

        /// The open brackets.
        private var stack: [UInt8] = []
        /// Whether the next string is a key.
        private var awaitsKey = false
        private var isInString = false
        private var isKey = false
        /// The position of the open escape and the number of its bytes that are missing; 0 after the backslash.
        private var escape: (start: Int, length: Int)?
        /// The position after the last bracket, comma or complete string value, with the brackets that are open
        /// there.
        private var certain: (end: Int, stack: [UInt8]) = (0, [])

        /// Whether the text ends in a string that is a value.
        var isInValue: Bool { isInString && !isKey }

        /// The number of bytes that are certain, in a text of `count` bytes.
        func end(of count: Int) -> Int { isInValue ? escape?.start ?? count : certain.end }

        /// The brackets to close after the certain bytes.
        func open(atEnd count: Int) -> [UInt8] { isInValue ? stack : certain.stack }

        /// Consumes a byte outside or inside of a string.
        ///
        /// - Returns: whether the byte can come next, as far as brackets tell.
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
                // The value before the comma is complete.
                awaitsKey = stack.last == UInt8(ascii: "{")
                certain = (index, stack)
            case UInt8(ascii: ":"): awaitsKey = false
            case _ where Self.isSpace(byte): break
            // A byte of a number, `true`, `false` or `null`.
            default: return Self.wordBytes.contains(byte)
            }
            return true
        }

        private static func isSpace(_ byte: UInt8) -> Bool {
            byte == UInt8(ascii: " ") || byte == 0x09 || byte == 0x0A || byte == 0x0D
        }

        /// Consumes a byte of a string.
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
