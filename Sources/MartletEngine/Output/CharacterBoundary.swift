/// Splits a stream of bytes at the ends of whole UTF-8 characters.
///
/// Bytes that can never become a character are replaced by U+FFFD, one for each maximal subpart, as Unicode recommends
/// (chapter 3, "U+FFFD Substitution of Maximal Subparts").
struct CharacterBoundary: Sendable {
    /// The bytes of an unfinished character.
    private var partial: [UInt8] = []
    /// The number of bytes that the unfinished character still needs.
    private var missing = 0
    /// The valid range of the next byte.
    private var allowed: ClosedRange<UInt8> = 0x80...0xBF

    /// Appends the whole characters among the bytes so far to `output`, and withholds an unfinished character.
    mutating func consume(_ bytes: some Sequence<UInt8>, into output: inout [UInt8]) {
        for byte in bytes { consume(byte, into: &output) }
    }

    private mutating func consume(_ byte: UInt8, into output: inout [UInt8]) {
        if missing > 0 {
            if allowed.contains(byte) {
                partial.append(byte)
                missing -= 1
                allowed = 0x80...0xBF
                if missing == 0 {
                    output += partial
                    partial.removeAll(keepingCapacity: true)
                }
                return
            }
            finish(into: &output)
        }
        switch byte {
        case 0x00...0x7F: output.append(byte)
        case 0xC2...0xDF: begin(byte, missing: 1)
        case 0xE0: begin(byte, missing: 2, allowed: 0xA0...0xBF)
        case 0xED: begin(byte, missing: 2, allowed: 0x80...0x9F)
        case 0xE1...0xEF: begin(byte, missing: 2)
        case 0xF0: begin(byte, missing: 3, allowed: 0x90...0xBF)
        case 0xF1...0xF3: begin(byte, missing: 3)
        case 0xF4: begin(byte, missing: 3, allowed: 0x80...0x8F)
        default: output += Self.replacement
        }
    }

    private mutating func begin(_ byte: UInt8, missing: Int, allowed: ClosedRange<UInt8> = 0x80...0xBF) {
        partial.append(byte)
        self.missing = missing
        self.allowed = allowed
    }

    /// Whether nothing is withheld.
    var isAtBoundary: Bool { missing == 0 }

    /// Ends the stream: an unfinished character becomes U+FFFD.
    mutating func finish(into output: inout [UInt8]) {
        guard missing > 0 else { return }
        output += Self.replacement
        partial.removeAll(keepingCapacity: true)
        missing = 0
        allowed = 0x80...0xBF
    }

    private static let replacement: [UInt8] = [0xEF, 0xBF, 0xBD]
}
