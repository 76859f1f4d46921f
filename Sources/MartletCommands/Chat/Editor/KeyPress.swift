/// A key with its meaning for an editor of one line.
enum KeyPress: Sendable, Equatable {
    case character(Character)
    /// Text from the clipboard (bracketed paste). It may contain line breaks.
    case paste(String)
    case enter
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
