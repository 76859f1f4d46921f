/// The styles of text in a terminal, as escape sequences; empty if the terminal has none.
///
/// Example: `TerminalStyle.plain.dim` is empty, so that text for `NO_COLOR=1` has no sequence.
struct TerminalStyle: Sendable, Equatable {
    /// Whether sequences are written at all.
    let isStyled: Bool

    /// No styles.
    static let plain = TerminalStyle(isStyled: false)
    /// Styles of ECMA-48, which all terminals with a cursor have.
    static let styled = TerminalStyle(isStyled: true)

    /// The styles that the environment allows: none with a non-empty `NO_COLOR` or the terminal `dumb`.
    init(environment: (String) -> String?) {
        isStyled = (environment("NO_COLOR") ?? "").isEmpty && Self.hasCursor(environment: environment)
    }

    private init(isStyled: Bool) { self.isStyled = isStyled }

    /// Whether the terminal can move its cursor: `TERM` is neither empty nor `dumb`.
    static func hasCursor(environment: (String) -> String?) -> Bool {
        !["", "dumb"].contains(environment("TERM") ?? "")
    }

    /// The end of all styles.
    var reset: String { isStyled ? "\u{1B}[0m" : "" }
    var bold: String { isStyled ? "\u{1B}[1m" : "" }
    var dim: String { isStyled ? "\u{1B}[2m" : "" }
    /// Red, for errors.
    var error: String { isStyled ? "\u{1B}[31m" : "" }
    /// Cyan, for code.
    var code: String { isStyled ? "\u{1B}[36m" : "" }
}
