/// The beginning of a text from outside, for an error message, a log line or a warning.
///
/// Example: `"a\u{1B}[2Jb".excerpt(bytes: 3)` is `a\u{1B}[…`: three bytes of the text, its control character as an escape,
/// and a mark for the rest.
///
/// Messages use an excerpt because a text from outside has no bound that a count of characters would give: one character
/// has any number of combining marks, so 64 characters can be megabytes. Control characters could add lines to a log or
/// move the cursor of a terminal.
extension StringProtocol {
    /// The beginning with at most `limit` bytes of the text, in one line of printable characters, and `…` if the text is
    /// longer.
    ///
    /// Line breaks and tabs become `\n`, `\r` and `\t`; other control characters, and characters that change the direction
    /// of the text around them, become `\u{1B}` with their number. A backslash stays, so an excerpt is for people and has
    /// no inverse.
    /// - Parameter limit: The number of bytes, 0 or more. The result has at most `6 * limit + 3` bytes.
    /// - Complexity: O(`limit`) for native strings.
    package func excerpt(bytes limit: Int) -> String {
        let beginning = beginning(bytes: limit)
        var result = ""
        for scalar in beginning.unicodeScalars {
            switch scalar {
            case "\n": result += "\\n"
            case "\r": result += "\\r"
            case "\t": result += "\\t"
            case _ where Self.isInvisible(scalar): result += "\\u{\(String(scalar.value, radix: 16, uppercase: true))}"
            default: result.unicodeScalars.append(scalar)
            }
        }
        return beginning.endIndex == endIndex ? result : result + "…"
    }

    /// The longest beginning of at most `limit` bytes that ends between two Unicode scalars, unchanged.
    /// - Complexity: O(`limit`) for native strings.
    package func beginning(bytes limit: Int) -> SubSequence {
        var count = Swift.max(0, limit)
        guard var end = utf8.index(startIndex, offsetBy: count, limitedBy: endIndex), end < endIndex else {
            return self[...]
        }
        // A byte 10xxxxxx continues a scalar, so the scalar before it would be cut.
        while count > 0, utf8[end] & 0xC0 == 0x80 {
            count -= 1
            end = utf8.index(startIndex, offsetBy: count)
        }
        return self[..<end]
    }

    /// Whether a terminal or a log viewer shows no character here, or changes how it shows others.
    private static func isInvisible(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        // Line and paragraph separators, marks, embeddings and isolates of the bidirectional algorithm.
        case 0x2028, 0x2029, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069: true
        default: scalar.properties.generalCategory == .control
        }
    }
}

extension Collection where Element == UInt8 {
    /// The excerpt of bytes that may be no valid UTF-8: invalid bytes become U+FFFD.
    ///
    /// - Parameter limit: The number of bytes, 0 or more. A character that is cut at the limit is left out.
    package func excerpt(bytes limit: Int) -> String {
        // Four bytes more than the limit, so that a character at the limit is whole.
        String(decoding: prefix(Swift.max(0, limit) + 4), as: UTF8.self).excerpt(bytes: limit)
    }
}
