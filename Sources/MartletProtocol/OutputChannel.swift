/// The part of a message that a piece of text belongs to.
package enum OutputChannel: UInt8, Sendable, CaseIterable {
    case content = 0
    case reasoning = 1
    /// Delimiters between parts, such as think tags. Never shown; retained so that the log contains every byte.
    case delimiter = 2
}
