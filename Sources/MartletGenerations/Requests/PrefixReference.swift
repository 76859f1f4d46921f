/// A request's mention of a pinned prefix by its name.
package struct PrefixReference: Sendable, Equatable {
    package var name: String
    /// Whether the request is refused if the owner has no prefix of this name. OpenAI's `prompt_cache_key` is only a
    /// hint, `cache_prefix` is a demand.
    package var isRequired: Bool

    /// Makes a reference; an empty name is no name.
    package init(name: String, isRequired: Bool) {
        self.name = name
        self.isRequired = isRequired
    }
}
