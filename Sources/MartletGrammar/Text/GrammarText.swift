/// The text of a grammar with a position that moves forward.
struct GrammarText {
    let bytes: [UInt8]
    var position = 0

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    var isAtEnd: Bool { position == bytes.count }

    var isAtNewLine: Bool { next == UInt8(ascii: "\n") || next == UInt8(ascii: "\r") }

    var next: UInt8? { position < bytes.count ? bytes[position] : nil }

    /// The offset at which the text stops being UTF-8.
    var firstInvalidByte: Int? {
        var decoder = UTF8()
        var iterator = bytes.makeIterator()
        var valid = 0
        while true {
            switch decoder.decode(&iterator) {
            case .scalarValue(let scalar): valid += UTF8.width(scalar)
            case .emptyInput: return nil
            case .error: return valid
            }
        }
    }

    func starts(with text: StaticString) -> Bool {
        bytes[position...].starts(with: UnsafeBufferPointer(start: text.utf8Start, count: text.utf8CodeUnitCount))
    }

    /// Consumes `text` if it comes next.
    mutating func consume(_ text: StaticString) -> Bool {
        guard starts(with: text) else { return false }
        position += text.utf8CodeUnitCount
        return true
    }

    /// Skips white space and comments.
    mutating func skipSpace(newLines: Bool) {
        while let byte = next {
            switch byte {
            case UInt8(ascii: " "), UInt8(ascii: "\t"): position += 1
            case UInt8(ascii: "\n"), UInt8(ascii: "\r"):
                guard newLines else { return }
                position += 1
            case UInt8(ascii: "#"):
                while let byte = next, byte != UInt8(ascii: "\n"), byte != UInt8(ascii: "\r") { position += 1 }
            default: return
            }
        }
    }

    /// The name at the position; `nil` if there is none.
    mutating func name() -> String? {
        let start = position
        while let byte = next, Self.isNameByte(byte) { position += 1 }
        return position > start ? String(decoding: bytes[start..<position], as: UTF8.self) : nil
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"):
            true
        default: false
        }
    }

    /// A decimal number; saturates at `Int.max`.
    mutating func number() -> Int? {
        let start = position
        var value = 0
        while let byte = next, UInt8(ascii: "0")...UInt8(ascii: "9") ~= byte {
            position += 1
            let (product, overflow) = value.multipliedReportingOverflow(by: 10)
            value = overflow || product > Int.max - 9 ? .max : product + Int(byte & 0x0F)
        }
        return position > start ? value : nil
    }

    /// The next character.
    ///
    /// - Precondition: the text is UTF-8, and the position is not at its end.
    mutating func scalar() -> UInt32 {
        let first = bytes[position]
        let length = first < 0x80 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
        var value = UInt32(first) & (length == 1 ? 0x7F : 0x7F >> UInt32(length))
        for byte in bytes[position + 1..<position + length] { value = value << 6 | UInt32(byte & 0x3F) }
        position += length
        return value
    }

    /// The line and the byte in the line of a position, both counted from 1.
    func location(of position: Int) -> (line: Int, column: Int) {
        let before = bytes[..<position]
        let line = before.reduce(1) { $1 == UInt8(ascii: "\n") ? $0 + 1 : $0 }
        let start = before.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0
        return (line, position - start + 1)
    }

    /// An error at a position.
    ///
    /// - Parameter message: without a full stop.
    func error(_ message: String, at position: Int? = nil) -> GrammarError {
        let location = location(of: position ?? self.position)
        return GrammarError(.syntax, message + ".", line: location.line, column: location.column)
    }
}
