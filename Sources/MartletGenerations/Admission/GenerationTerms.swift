package import MartletStreams

/// The terms of a generation that depend on its caller and not on the completion.
package struct GenerationTerms: Sendable {
    package var owner: Owner
    package var lifetime: GenerationSpec.Lifetime
    /// The name of the conversation.
    package var label: String?
    /// Whether the request may have a priority above 0.
    package var mayRaisePriority = true
    /// Whether the request loads its model if it is not loaded; nil = as the server is configured.
    package var loadsModel: Bool?

    /// Makes terms; a label without a resumable lifetime has no effect.
    package init(owner: Owner, lifetime: GenerationSpec.Lifetime, label: String? = nil) {
        self.owner = owner
        self.lifetime = lifetime
        self.label = label
    }

    /// The wishes about the load of the model.
    func lease(_ options: CompletionOptions) -> LeaseTerms {
        var terms = LeaseTerms()
        terms.keepAlive = options.keepAlive
        terms.loadsModel = loadsModel
        return terms
    }
}
