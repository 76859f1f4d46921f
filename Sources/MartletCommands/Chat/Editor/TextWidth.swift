/// The number of terminal columns of a text.
enum TextWidth {
    /// The sum of the widths of the characters.
    static func columns(_ text: some StringProtocol) -> Int {
        text.reduce(0) { $0 + CharacterWidth.columns($1) }
    }

    /// The text if it fits, else its beginning with `…` behind it.
    /// - Parameter columns: The available columns, at least 1.
    static func shortened(_ text: String, to columns: Int) -> String {
        guard Self.columns(text) > columns else { return text }
        var result = ""
        var width = 0
        for character in text {
            let next = CharacterWidth.columns(character)
            guard width + next < columns else { break }
            result.append(character)
            width += next
        }
        return result + "…"
    }
}
