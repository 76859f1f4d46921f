/// What compiling a schema may cost.
package struct SchemaLimits: Sendable, Equatable {
    /// Bytes of the schema's text, white space and escapes aside; of all tools together as many.
    package var bytes: Int
    /// Values inside one another.
    package var depth: Int
    /// Schemas that are reached; of all tools together as many.
    package var nodes: Int
    /// Alternatives of one value, once everything is combined with everything.
    package var alternatives: Int
    /// Steps of compiling the whole schema, as `CompileBudget` counts them; of all tools together half as many more.
    package var work: Int

    /// Members and elements of a schema's text, whatever they mean; of all tools together as many.
    package var values: Int { 2 * nodes }
    package var workOfAll: Int { work + work / 2 }

    package static let standard = SchemaLimits()

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
