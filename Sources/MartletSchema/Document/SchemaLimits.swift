/// The limits for the compilation of a schema. Beyond a limit, the schema is refused in either mode.
package struct SchemaLimits: Sendable, Equatable {
    /// The bytes of a schema's text without white space and escapes. All tools of a request together have the same
    /// limit.
    package var bytes: Int
    /// The nesting of arrays and objects in the schema's text.
    package var depth: Int
    /// The schemas that are read. All tools of a request together have the same limit.
    package var nodes: Int
    /// The alternatives of one value, after all combinations are multiplied out.
    package var alternatives: Int
    /// The steps of one schema in `CompileBudget`, of about a microsecond each.
    package var work: Int

    /// The members and elements in the schema's text, whatever they mean. All tools together have the same limit.
    package var values: Int { 2 * nodes }
    /// The steps of all tools of a request together.
    package var workOfAll: Int { work + work / 2 }

    /// The limits of the server without flags.
    package static let standard = SchemaLimits()

    /// Creates limits; the defaults are the standard.
    package init(
        bytes: Int = 1 << 20, depth: Int = 200, nodes: Int = 10_000, alternatives: Int = 512, work: Int = 24_000
    ) {
        self.bytes = bytes
        self.depth = depth
        self.nodes = nodes
        self.alternatives = alternatives
        self.work = work
    }
}
