/// The readable course of a run: for each event the step, the virtual time, the actor and the event.
package struct SimulationStory: Sendable {
    /// One event.
    package struct Line: Sendable {
        package var step: Int
        /// Nanoseconds of the virtual clock.
        package var time: UInt64
        package var actor: String
        package var event: String

        /// The line with columns for step, milliseconds and actor.
        package var text: String {
            let microseconds = (time - 1_000_000_000) / 1_000
            let time = "\(microseconds / 1_000).\(Self.padded(microseconds % 1_000)) ms"
            return "\(Self.right(String(step), 7)) \(Self.right(time, 15))  \(Self.left(actor, 12)) \(event)"
        }

        private static func padded(_ number: UInt64) -> String {
            let text = String(number)
            return String(repeating: "0", count: 3 - text.utf8.count) + text
        }

        private static func right(_ text: String, _ width: Int) -> String {
            String(repeating: " ", count: max(0, width - text.count)) + text
        }

        private static func left(_ text: String, _ width: Int) -> String {
            text + String(repeating: " ", count: max(0, width - text.count))
        }
    }
    package var lines: [Line]

    /// The story as text, with the newest lines only.
    /// - Parameter limit: the largest number of lines.
    package func text(limit: Int = 200) -> String {
        let left = lines.count - limit
        let head = left > 0 ? ["        … \(left) earlier lines"] : []
        return (head + lines.suffix(limit).map(\.text)).joined(separator: "\n")
    }
}
