/// Why a file is no model that can be loaded: a predicate that follows the file's name, and what to do if there is
/// something.
package struct GGUFError: Error, Equatable, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    /// The file ends before what it says it has.
    static func truncated(length: UInt64, needed: UInt64) -> Self {
        Self(
            "is cut off: it has \(length) bytes and would need at least \(needed); download or copy it again")
    }

    static func broken(_ what: String) -> Self { Self("is broken: \(what)") }
}
