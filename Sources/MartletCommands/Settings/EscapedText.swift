/// Backslash escapes in flags, with the rules of llama-server.
///
/// Example: the five bytes `a\nb\q` become `a`, a line break, `b\q`.
enum EscapedText {
    private static let meanings: [Character: Character] = [
        "n": "\n", "r": "\r", "t": "\t", "'": "'", "\"": "\"", "\\": "\\",
    ]

    /// Replaces `\n`, `\r`, `\t`, `\'`, `\"`, `\\` and `\x41` (ASCII only). Other backslashes stay.
    static func unescaped(_ text: String) -> String {
        var result = ""
        var rest = text[...]
        while let character = rest.popFirst() {
            guard character == "\\", let next = rest.first else {
                result.append(character)
                continue
            }
            if let meaning = meanings[next] {
                rest.removeFirst()
                result.append(meaning)
            } else if next == "x", let code = UInt8(rest.dropFirst().prefix(2), radix: 16), code < 0x80,
                rest.count >= 3
            {
                rest.removeFirst(3)
                result.append(Character(Unicode.Scalar(code)))
            } else {
                result.append(character)
            }
        }
        return result
    }
}
