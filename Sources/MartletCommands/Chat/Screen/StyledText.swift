/// A piece of text for the screen with one style.
struct StyledText: Sendable, Equatable {
    /// The text without escape sequences. Control characters except line breaks and tabs are dropped on the screen.
    var text: String
    /// An escape sequence of ``TerminalStyle``; empty = normal.
    var style: String
    /// Whether lines are not wrapped at words, so that a copy of the screen has the lines of the text.
    var isCode = false

    /// A text in normal style unless `style` names another one.
    init(_ text: String, style: String = "", isCode: Bool = false) {
        self.text = text
        self.style = style
        self.isCode = isCode
    }
}
