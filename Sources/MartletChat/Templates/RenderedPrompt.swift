package import MartletJinja
package import MartletProtocol

/// A rendered prompt, and what it determines about the output.
package struct RenderedPrompt: Sendable, Equatable {
    /// The position of the prompt's end with respect to reasoning.
    package enum Reasoning: Sendable, Equatable {
        /// Outside reasoning: the output may begin with reasoning or not.
        case undecided
        /// Within reasoning: the output begins with reasoning, without a start delimiter.
        case open
        /// Behind reasoning: the output contains none.
        case closed
    }
    /// The prompt in pieces of one provenance. Only trusted pieces may contain control tokens.
    package var segments: [PromptSegment]
    /// Where the prompt leaves the model.
    package var reasoning: Reasoning
    /// The delimiters of reasoning; nil if the model is not known to reason.
    package var delimiters: ReasoningDelimiters?
    /// The text that ends reasoning as the template does: the end delimiter with its white space. Written when a
    /// budget ends.
    package var closing = ""

    /// The end of the prompt that belongs to the output, such as `<think>\n`.
    package var opening = ""
    /// The part of the output that the client sent, behind `opening`.
    package var continuation = ""
    /// Warnings for the client about messages that had to change.
    package var warnings: [String] = []
    /// The places at which messages of the user and the reply begin, ascending.
    package var boundaries: [PromptBoundary] = []

    /// The text with which reasoning begins in the output. The prompt may contain its beginning already.
    package var reasoningStart: String {
        guard let delimiters else { return "" }
        let rest = ChatFormat.unwrittenPart(of: delimiters.start, in: opening)
        return rest.isEmpty ? delimiters.start : rest
    }

    /// The whole text, without provenance.
    package var text: String { segments.count == 1 ? segments[0].text : segments.map(\.text).joined() }

    /// The prompt for the engine: pieces with their trust. The tokenizer ignores control tokens in untrusted pieces.
    package var prompt: Prompt {
        Prompt(
            pieces: segments.map { .text($0.text, isTrusted: $0.isTrusted) }, addsBeginning: true,
            boundaries: boundaries)
    }
}
