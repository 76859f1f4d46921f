/// Decodes the bytes of a terminal in raw mode into keys. The bytes may arrive in parts of any length.
struct KeyDecoder: Sendable {
    /// The maximum lengths of an escape sequence and of a pasted text, in bytes.
    private static let maximumSequence = 32
    private static let maximumPaste = 1 << 20
    private static let pasteEnd: [UInt8] = Array("\u{1B}[201~".utf8)

    /// The position within a key.
    private enum State: Sendable {
        case text
        case utf8(bytes: [UInt8], missing: Int)
        case escape
        /// After ESC [ or ESC O.
        case sequence([UInt8])
        case paste([UInt8])
    }

    private var state = State.text

    /// Consumes one byte.
    /// - Returns: The key that `byte` completes; `nil` if more bytes are needed or the byte has no meaning.
    mutating func feed(_ byte: UInt8) -> KeyPress? {
        switch state {
        case .text: return text(byte)
        case .utf8(let bytes, let missing): return utf8(bytes, missing, byte)
        case .escape: return escape(byte)
        case .sequence(let bytes): return sequence(bytes, byte)
        case .paste(var bytes):
            bytes.append(byte)
            state = .text
            if bytes.suffix(Self.pasteEnd.count) == Self.pasteEnd[...] {
                return .paste(Self.pasted(bytes.dropLast(Self.pasteEnd.count)))
            }
            if bytes.count > Self.maximumPaste { bytes.removeFirst(bytes.count / 2) }
            state = .paste(bytes)
            return nil
        }
    }

    /// Ends a key after a pause: a single ESC byte was the Esc key and not the beginning of a sequence.
    mutating func pause() -> KeyPress? {
        guard case .escape = state else { return nil }
        state = .text
        return .escape
    }

    /// A byte outside sequences: a control key, or the first byte of a character.
    private mutating func text(_ byte: UInt8) -> KeyPress? {
        switch byte {
        case 0x01: return .home
        case 0x02: return .left
        case 0x03: return .interrupt
        case 0x04: return .endOfInput
        case 0x05: return .end
        case 0x06: return .right
        case 0x08, 0x7F: return .backspace
        case 0x09: return .tab
        case 0x0A, 0x0D: return .enter
        case 0x0B: return .deleteToEnd
        case 0x0C: return .clearScreen
        case 0x0E: return .down
        case 0x10: return .up
        case 0x12: return .searchHistory
        case 0x15: return .deleteToStart
        case 0x17: return .deleteWordBackward
        case 0x1A: return .suspend
        case 0x1B:
            state = .escape
            return nil
        case 0x20..<0x7F: return .character(Character(Unicode.Scalar(byte)))
        case 0xC2...0xDF: state = .utf8(bytes: [byte], missing: 1)
        case 0xE0...0xEF: state = .utf8(bytes: [byte], missing: 2)
        case 0xF0...0xF4: state = .utf8(bytes: [byte], missing: 3)
        default: break
        }
        return nil
    }

    /// A continuation byte of a character. Any other byte begins a new key.
    private mutating func utf8(_ bytes: [UInt8], _ missing: Int, _ byte: UInt8) -> KeyPress? {
        state = .text
        guard byte & 0xC0 == 0x80 else { return text(byte) }
        let bytes = bytes + [byte]
        if missing > 1 {
            state = .utf8(bytes: bytes, missing: missing - 1)
            return nil
        }
        let character = String(validating: bytes, as: UTF8.self)?.first
        return character.flatMap { CharacterWidth.isControl($0) ? nil : .character($0) }
    }

    /// The byte behind ESC: the beginning of a sequence, or a key with Alt.
    private mutating func escape(_ byte: UInt8) -> KeyPress? {
        state = .text
        switch byte {
        case UInt8(ascii: "["), UInt8(ascii: "O"):
            state = .sequence([byte])
            return nil
        case 0x1B:
            state = .escape
            return nil
        case UInt8(ascii: "b"): return .wordLeft
        case UInt8(ascii: "f"): return .wordRight
        case 0x0A, 0x0D: return .newline
        case 0x08, 0x7F: return .deleteWordBackward
        case 0x03: return .interrupt
        default: return nil
        }
    }

    /// A byte of a control sequence (ECMA-48). Unknown sequences have no key.
    private mutating func sequence(_ bytes: [UInt8], _ byte: UInt8) -> KeyPress? {
        state = .text
        guard (0x40...0x7E).contains(byte) else {
            // A parameter byte. Bytes that no sequence may have end it without a key.
            if (0x20...0x3F).contains(byte), bytes.count < Self.maximumSequence { state = .sequence(bytes + [byte]) }
            return nil
        }
        let parameters = String(decoding: bytes.dropFirst(), as: UTF8.self)
        // The second parameter has the modifiers: arrows with Ctrl or Alt move by words.
        let isModified = parameters.hasSuffix(";5") || parameters.hasSuffix(";3")
        switch byte {
        case UInt8(ascii: "A"): return .up
        case UInt8(ascii: "B"): return .down
        case UInt8(ascii: "C"): return isModified ? .wordRight : .right
        case UInt8(ascii: "D"): return isModified ? .wordLeft : .left
        case UInt8(ascii: "H"): return .home
        case UInt8(ascii: "F"): return .end
        // The kitty protocol and xterm report Enter with Shift (2) or Alt (3) as a sequence.
        case UInt8(ascii: "u"): return ["13;2", "13;3"].contains(parameters) ? .newline : nil
        case UInt8(ascii: "~"):
            switch parameters {
            case "1", "7": return .home
            case "4", "8": return .end
            case "3": return .delete
            case "27;2;13", "27;3;13": return .newline
            case "200":
                state = .paste([])
                return nil
            default: return nil
            }
        default: return nil
        }
    }

    /// The pasted text without control characters. Terminals send its line breaks as carriage returns.
    private static func pasted(_ bytes: ArraySlice<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        return String(
            text.compactMap { character -> Character? in
                if character.isNewline { return "\n" }
                if character == "\t" { return " " }
                return CharacterWidth.isControl(character) ? nil : character
            })
    }
}
