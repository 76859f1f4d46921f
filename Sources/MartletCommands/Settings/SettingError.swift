/// An error in a flag, a variable or a file: one line with the name, the rule and the value.
///
/// Example: `--port must be a whole number from 0 to 65535, not '80800'`.
struct SettingError: Error, Equatable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
