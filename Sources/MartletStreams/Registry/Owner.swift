/// Whose a generation is. Nobody else can see it, stop it, or tell that it exists.
package struct Owner: RawRepresentable, Hashable, Sendable {
    /// The SHA-256 of an API key as lower-case hexadecimal digits, or `open`.
    package let rawValue: String

    package init(rawValue: String) { self.rawValue = rawValue }

    /// Everybody, at a server without keys.
    package static let open = Owner(rawValue: "open")
}
