/// The reason why a file is no model that can be loaded.
///
/// A predicate that follows the file's name, and advice if there is any: "is empty; download or copy it again".
package struct GGUFError: Error, Equatable, CustomStringConvertible {
    /// The predicate.
    package let description: String

    /// Creates an error of a predicate.
    package init(_ description: String) { self.description = description }

    /// The error for a file that ends before the data that its header announces.
    static func truncated(length: UInt64, needed: UInt64) -> Self {
        Self(
            "is cut off: it has \(length) bytes and would need at least \(needed); download or copy it again")
    }

    /// The error for a file whose contents contradict the format.
    static func broken(_ what: String) -> Self { Self("is broken: \(what)") }
}
