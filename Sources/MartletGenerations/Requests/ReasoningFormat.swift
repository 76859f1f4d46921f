/// The member of a response that contains the model's reasoning. The raw values are llama-server's names.
package enum ReasoningFormat: String, Sendable, CaseIterable {
    /// `content`, delimiters included.
    case none
    case auto
    /// `reasoning_content`.
    case deepseek
    /// `reasoning_content` of a whole response, `content` of a stream.
    case deepseekLegacy = "deepseek-legacy"

    /// Whether reasoning is part of the content.
    package func isInContent(streams: Bool) -> Bool {
        switch self {
        case .none: true
        case .deepseekLegacy: streams
        case .auto, .deepseek: false
        }
    }
}
