/// A key with its meaning for an editor of one message, which may have several lines.
enum KeyPress: Sendable, Equatable {
    case character(Character)
    /// Text from the clipboard (bracketed paste). It may contain line breaks.
    case paste(String)
    case enter
    /// Alt-Enter, and Shift-Enter of terminals that report it: a line break in the message.
    case newline
    case tab
    /// Ctrl-R.
    case searchHistory
    /// Ctrl-Z.
    case suspend
    case backspace
    case delete
    case left
    case right
    case wordLeft
    case wordRight
    case home
    case end
    case up
    case down
    case deleteWordBackward
    case deleteToStart
    case deleteToEnd
    case clearScreen
    case escape
    /// Ctrl-C.
    case interrupt
    /// Ctrl-D.
    case endOfInput
}
