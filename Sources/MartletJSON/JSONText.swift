/// Appends JSON text to byte arrays; an array that is reused for several messages keeps its capacity.
package enum JSONText {
    /// Appends `utf8` in quotes, with the escapes that RFC 8259 requires and no others. Invalid UTF-8 is passed
    /// through.
    ///
    /// - Complexity: O(n); no allocation while `bytes` has capacity.
    package static func appendString(_ utf8: some Sequence<UInt8>, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        appendEscaped(utf8, to: &bytes)
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends `string` in quotes.
    package static func appendString(_ string: String, to bytes: inout [UInt8]) {
        appendString(string.utf8, to: &bytes)
    }

    /// Appends `utf8` with escapes and without quotes.
    package static func appendEscaped(_ utf8: some Sequence<UInt8>, to bytes: inout [UInt8]) {
        let handled: Void? = utf8.withContiguousStorageIfAvailable { appendEscaped($0, to: &bytes) }
        if handled == nil { Array(utf8).withUnsafeBufferPointer { appendEscaped($0, to: &bytes) } }
    }

    /// Copies runs of bytes that need no escape as a whole.
    private static func appendEscaped(_ utf8: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        var runStart = 0
        for index in utf8.indices {
            let byte = utf8[index]
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") { continue }
            bytes.append(contentsOf: utf8[runStart..<index])
            appendEscape(of: byte, to: &bytes)
            runStart = index + 1
        }
        bytes.append(contentsOf: utf8[runStart...])
    }

    /// Appends the escape of a byte: the short form if there is one, otherwise `\u00XX`.
    private static func appendEscape(of byte: UInt8, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): bytes.append(byte)
        case 0x08: bytes.append(UInt8(ascii: "b"))
        case 0x0C: bytes.append(UInt8(ascii: "f"))
        case 0x0A: bytes.append(UInt8(ascii: "n"))
        case 0x0D: bytes.append(UInt8(ascii: "r"))
        case 0x09: bytes.append(UInt8(ascii: "t"))
        default:
            bytes.append(contentsOf: "u00".utf8)
            bytes.append(hexadecimalDigit(byte >> 4))
            bytes.append(hexadecimalDigit(byte & 0xF))
        }
    }

    private static func hexadecimalDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
    }

    /// Appends an integer of any type in decimal digits.
    package static func appendInteger(_ value: some BinaryInteger, to bytes: inout [UInt8]) {
        if let value = Int(exactly: value) {
            appendInteger(value, to: &bytes)
        } else {
            bytes.append(contentsOf: String(value).utf8)
        }
    }

    /// Appends an integer in decimal digits, without creating a string.
    package static func appendInteger(_ value: Int, to bytes: inout [UInt8]) {
        if value < 0 { bytes.append(UInt8(ascii: "-")) }
        let start = bytes.count
        var rest = value.magnitude
        repeat {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10))
            rest /= 10
        } while rest > 0
        bytes[start...].reverse()
    }

    /// Appends the shortest decimal number that parses to the same double. NaN and infinity, which JSON lacks,
    /// become `null`.
    package static func appendNumber(_ value: Double, to bytes: inout [UInt8]) {
        bytes.append(contentsOf: value.isFinite ? value.description.utf8 : "null".utf8)
    }

    /// Appends text that is JSON already, such as a key with its colon.
    package static func appendRaw(_ text: StaticString, to bytes: inout [UInt8]) {
        text.withUTF8Buffer { bytes.append(contentsOf: $0) }
    }
}

extension JSONValue {
    /// Appends this value as compact JSON with the members in their order.
    ///
    /// - Complexity: the recursion is as deep as the value.
    package func write(to bytes: inout [UInt8]) {
        switch self {
        case .null: JSONText.appendRaw("null", to: &bytes)
        case .bool(let value): JSONText.appendRaw(value ? "true" : "false", to: &bytes)
        case .integer(let value): JSONText.appendInteger(value, to: &bytes)
        case .largeInteger(let digits): bytes.append(contentsOf: digits.utf8)
        case .number(let value): JSONText.appendNumber(value, to: &bytes)
        case .string(let value): JSONText.appendString(value, to: &bytes)
        case .array(let elements):
            bytes.append(UInt8(ascii: "["))
            for (index, element) in elements.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                element.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "]"))
        case .object(let members):
            bytes.append(UInt8(ascii: "{"))
            for (index, member) in members.enumerated() {
                if index > 0 { bytes.append(UInt8(ascii: ",")) }
                JSONText.appendString(member.key, to: &bytes)
                bytes.append(UInt8(ascii: ":"))
                member.value.write(to: &bytes)
            }
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// This value as compact JSON.
    package var bytes: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }

    /// This value as compact JSON.
    package var text: String { String(decoding: bytes, as: UTF8.self) }
}
