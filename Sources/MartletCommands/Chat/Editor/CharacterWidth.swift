/// The number of terminal columns that a character occupies: 0, 1 or 2.
enum CharacterWidth {
    /// Scalars of two columns: the main blocks with the East Asian Width `W` or `F` in Unicode, and emoji.
    private static let wide: [ClosedRange<UInt32>] = [
        0x1100...0x115F, 0x231A...0x231B, 0x23E9...0x23F3, 0x25FD...0x25FE, 0x2614...0x2615, 0x2648...0x2653,
        0x26A1...0x26A1, 0x26C4...0x26C5, 0x2705...0x2705, 0x270A...0x270B, 0x2728...0x2728, 0x274C...0x274C,
        0x2753...0x2755, 0x2795...0x2797, 0x2B50...0x2B50, 0x2E80...0x303E, 0x3041...0x33FF, 0x3400...0x4DBF,
        0x4E00...0x9FFF, 0xA000...0xA4CF, 0xA960...0xA97F, 0xAC00...0xD7A3, 0xF900...0xFAFF, 0xFE30...0xFE6F,
        0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F1E6...0x1F1FF, 0x1F300...0x1F64F, 0x1F680...0x1F6FF,
        0x1F900...0x1F9FF, 0x1FA70...0x1FAFF, 0x20000...0x3FFFD,
    ]

    /// Whether a character could control the terminal: C0 and C1 controls, the latter also as two bytes of UTF-8.
    static func isControl(_ character: Character) -> Bool {
        character.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
    }

    /// The width of the widest scalar: combining marks do not add columns.
    static func columns(_ character: Character) -> Int {
        var width = 0
        // A selector on its own joins the character before it, which arrived in an earlier piece.
        if character.unicodeScalars.count == 1, character == "\u{FE0F}" { return 1 }
        for scalar in character.unicodeScalars { width = max(width, columns(scalar)) }
        return width
    }

    /// The width of a scalar by its block and its general category.
    private static func columns(_ scalar: Unicode.Scalar) -> Int {
        switch scalar.value {
        case 0..<0x20, 0x7F..<0xA0: return 0
        case ..<0x300: return 1
        // Variation selector 16: the emoji form of the character before it, which has two columns.
        case 0xFE0F: return 2
        default: break
        }
        switch scalar.properties.generalCategory {
        case .nonspacingMark, .enclosingMark, .format: return 0
        default: return wide.contains { $0.contains(scalar.value) } ? 2 : 1
        }
    }
}
