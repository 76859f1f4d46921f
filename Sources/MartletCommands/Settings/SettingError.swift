/// An error in a flag, a variable or a file: one line with the name, the rule and the value.
///
/// Example: `--port must be a whole number from 0 to 65535, not '80800'`.
struct SettingError: Error, Equatable, CustomStringConvertible {
    /// The whole line, without `martlet:`.
    let description: String
    /// The text names the flag, variable or file first.
    init(_ description: String) { self.description = description }
}
