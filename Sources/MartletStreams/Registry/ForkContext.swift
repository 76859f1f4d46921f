package import MartletProtocol

/// The part of a client's request that control commands need while its generation runs.
///
/// Example: a fork needs a spec of its own, with a view of the same options. The application core implements the
/// protocol with its request types, which this target does not know.
package protocol ForkContext: Sendable {
    /// The spec of a fork, with an id of its own.
    func makeForkSpec() -> GenerationSpec

    /// The prompt that closes the running turn of the model, adds a turn of `role`, and opens the model's next turn.
    ///
    /// - Throws: `invalidRequest` for a plain completion, which has no turns, and for a role that the chat template does
    ///   not accept; `notSupported` and `unavailable` without a usable template.
    func turnPrompt(of role: String, content: String) throws(GenerationError) -> Prompt
}
