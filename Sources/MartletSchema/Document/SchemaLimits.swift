/// What compiling a schema may cost.
package struct SchemaLimits: Sendable, Equatable {
    /// Bytes of the schema's text.
    package var bytes: Int
    /// Values inside one another.
    package var depth: Int
    /// Schemas that are reached.
    package var nodes: Int
    /// Alternatives of one value, once everything is combined with everything.
    package var alternatives: Int
    /// Steps of taking the whole schema apart: alternatives, pairs of schemas compared, values tested.
    package var work: Int

    package static let standard = SchemaLimits()

    package init(
        bytes: Int = 1 << 20, depth: Int = 200, nodes: Int = 10_000, alternatives: Int = 512, work: Int = 16_000
    ) {
        self.bytes = bytes
        self.depth = depth
        self.nodes = nodes
        self.alternatives = alternatives
        self.work = work
    }
}
