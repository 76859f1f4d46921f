package import MartletProtocol

/// What a model is asked, and what is known about the answer from it.
package struct RenderedPrompt: Sendable, Equatable {
    /// Where the prompt leaves the model with respect to its thinking.
    package enum Reasoning: Sendable, Equatable {
        /// The model decides: a think block may begin the answer.
        case undecided
        /// The prompt ends inside a think block: the answer begins with thinking, without a start marker.
        case open
        /// The prompt ends behind a think block, so that there is none in the answer.
        case closed
    }
    package var segments: [PromptSegment]
    package var reasoning: Reasoning
    /// What thinking is put between, if the model is known to think.
    package var markers: ReasoningMarkers?
    /// What ends thinking as the template does it: the end marker with what stands around it.
    package var closing = ""

    package var text: String { segments.count == 1 ? segments[0].text : segments.map(\.text).joined() }

    package var prompt: Prompt {
        Prompt(pieces: segments.map { .text($0.text, isTrusted: $0.isTrusted) }, addsBeginning: true)
    }

    /// For `GenerationRequest.visibleMarkers`: what the answer's text must show where it is a control token.
    package var visibleMarkers: [String] { markers?.tokens ?? [] }
}
