internal import MartletChat
internal import MartletGrammar
internal import MartletProtocol
internal import MartletStreams

// The two targets do not know each other.
extension OutputParser: OutputParsing {}

extension RenderedPrompt {
    /// Extends a constraint of the content by the reasoning that may come before the content and is unconstrained.
    func constraint(
        _ contentConstraint: GenerationConstraint?
    ) throws(GenerationError) -> GenerationConstraint? {
        guard let contentConstraint, let delimiters, reasoning != .closed else { return contentConstraint }
        do throws(GrammarError) {
            return GenerationConstraint(
                try contentConstraint.grammar.afterReasoning(
                    from: reasoningStart, to: delimiters.end, isOpen: reasoning == .open))
        } catch {
            throw GenerationError(error, field: "grammar")
        }
    }
}
