/// The delimiters between which a model writes its reasoning.
package struct ReasoningDelimiters: Sendable, Equatable {
    /// Such as `<think>`; no white space at its ends.
    package var start: String
    /// Such as `</think>`; no white space at its ends.
    package var end: String

    /// A pair of delimiters, both trimmed by the caller.
    package init(start: String, end: String) {
        self.start = start
        self.end = end
    }

    /// Pairs whose start does not follow from their end, or that templates do not contain as a whole.
    static let known = [
        ReasoningDelimiters(start: "<think>", end: "</think>"),
        ReasoningDelimiters(start: "[THINK]", end: "[/THINK]"),
        ReasoningDelimiters(start: "<|START_THINKING|>", end: "<|END_THINKING|>"),
        ReasoningDelimiters(start: "<seed:think>", end: "</seed:think>"),
        ReasoningDelimiters(start: "<mm:think>", end: "</mm:think>"),
        ReasoningDelimiters(start: "<|channel|>analysis<|message|>", end: "<|end|>"),
        ReasoningDelimiters(start: "<|channel>thought", end: "<channel|>"),
        ReasoningDelimiters(start: "<|inner_prefix|>", end: "<|inner_suffix|>"),
    ]

    /// The start that belongs to an end: `<think>` for `</think>`, `[THINK]` for `[/THINK]`. nil if none is known.
    static func start(for end: String) -> String? {
        if let pair = known.first(where: { $0.end == end }) { return pair.start }
        for (close, open) in [("</", "<"), ("[/", "["), ("<|/", "<|")] where end.hasPrefix(close) {
            return open + end.dropFirst(close.count)
        }
        return nil
    }
}
