/// What is wrong with a flag or an environment variable: one line that says what and what to do.
struct SettingError: Error, Equatable, CustomStringConvertible {
    let description: String
    init(_ description: String) { self.description = description }
}
