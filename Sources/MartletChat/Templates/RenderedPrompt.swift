package import MartletJinja
package import MartletProtocol

/// What a model is asked, and what is known about the answer from it.
package struct RenderedPrompt: Sendable, Equatable {
    /// Where the prompt leaves the model with respect to its thinking.
    package enum Reasoning: Sendable, Equatable {
        /// The model decides: a think block may begin the answer.
        case undecided
        /// The prompt ends inside a think block: the answer begins with thinking, without a start delimiter.
        case open
        /// The prompt ends behind a think block, so that there is none in the answer.
        case closed
    }
    package var segments: [PromptSegment]
    package var reasoning: Reasoning
    /// What thinking is put between, if the model is known to think.
    package var delimiters: ReasoningDelimiters?
    /// What ends thinking as the template does it: the end delimiter with what stands around it.
    package var closing = ""

    /// What of the prompt is the beginning of the answer, such as `<think>`.
    package var opening = ""
    /// What the client wrote of the answer already, behind `opening`.
    package var continuation = ""
    /// For the client: what of its messages the template could not take as it was.
    package var warnings: [String] = []

    /// What thinking begins with in the answer: the prompt may hold the beginning of the delimiter.
    package var reasoningStart: String {
        guard let delimiters else { return "" }
        let rest = ChatFormat.unwrittenPart(of: delimiters.start, in: opening)
        return rest.isEmpty ? delimiters.start : rest
    }

    package var text: String { segments.count == 1 ? segments[0].text : segments.map(\.text).joined() }

    package var prompt: Prompt {
        Prompt(pieces: segments.map { .text($0.text, isTrusted: $0.isTrusted) }, addsBeginning: true)
    }
}
