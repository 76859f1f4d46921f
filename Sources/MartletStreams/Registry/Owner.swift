/// The owner of a generation. Other owners can neither see nor stop the generation, nor find out that it exists.
package struct Owner: RawRepresentable, Hashable, Sendable {
    /// The SHA-256 of an API key as lower-case hexadecimal digits, or `open`.
    package let rawValue: String

    /// - Parameter rawValue: a SHA-256 as above, or `open`.
    package init(rawValue: String) { self.rawValue = rawValue }

    /// The owner of all generations at a server without API keys.
    package static let open = Owner(rawValue: "open")
}
