package import MartletStreams

/// The descriptions that a journal has of its view and its output parser.
package struct StoredDescriptions: Sendable {
    /// nil = the journal has none, or it is damaged.
    package private(set) var options: ResolvedOptions?
    /// nil = the journal has none, or it is damaged.
    package private(set) var parser: ParserDescription?
    /// Why a description is not used; nil = all are.
    package private(set) var problem: String?
    /// Whether a newer build has written a description, so that no byte of the journal may be lost.
    package private(set) var needsNewerBuild = false

    /// Reads the descriptions of a journal.
    package init(_ stored: StoredGeneration) {
        if !stored.head.resolvedOptions.isEmpty {
            options = read("its resolved options") { () throws(FieldError) in
                try ResolvedOptions(stored.head.resolvedOptions)
            }
        }
        if let bytes = stored.parserDescription {
            parser = read("the description of its output parser") { () throws(FieldError) in
                try ParserDescription(bytes)
            }
        }
    }

    private mutating func read<Value>(_ name: String, _ body: () throws(FieldError) -> Value) -> Value? {
        do throws(FieldError) {
            return try body()
        } catch {
            problem = "\(name): \(error)"
            needsNewerBuild = needsNewerBuild || error.needsNewerBuild
            return nil
        }
    }
}
