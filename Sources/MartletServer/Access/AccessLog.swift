/// Where a line about each answered request goes, and how it looks.
package struct AccessLog: Sendable {
    package enum Format: String, Sendable {
        /// For people: `name=value` after the time.
        case text
        /// For programs: one JSON object.
        case json
    }
    package var format: Format
    /// Takes a line, without its end. Called when a response has ended, from any task.
    package var write: @Sendable (String) -> Void

    package init(format: Format, write: @escaping @Sendable (String) -> Void) {
        self.format = format
        self.write = write
    }
}
