/// Which part of a message a piece of text belongs to.
package enum OutputChannel: UInt8, Sendable, CaseIterable {
    case content = 0
    case reasoning = 1
    /// Delimiters between parts, such as think tags: never shown, kept so that the log holds every byte.
    case delimiter = 2
}
