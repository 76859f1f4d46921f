/// What a person pressed, as far as an editor of one line cares.
enum KeyPress: Sendable, Equatable {
    case character(Character)
    /// Text that came at once from the clipboard; line breaks are part of it.
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
