/// What a model puts its thinking between.
package struct ReasoningMarkers: Sendable, Equatable {
    /// Such as `<think>`; without white space at its ends.
    package var start: String
    /// Such as `</think>`; without white space at its ends.
    package var end: String

    package init(start: String, end: String) {
        self.start = start
        self.end = end
    }

    /// Pairs that cannot be told from one another, or that templates do not show whole.
    static let known = [
        ReasoningMarkers(start: "<think>", end: "</think>"),
        ReasoningMarkers(start: "[THINK]", end: "[/THINK]"),
        ReasoningMarkers(start: "<|START_THINKING|>", end: "<|END_THINKING|>"),
        ReasoningMarkers(start: "<seed:think>", end: "</seed:think>"),
        ReasoningMarkers(start: "<mm:think>", end: "</mm:think>"),
        ReasoningMarkers(start: "<|channel|>analysis<|message|>", end: "<|end|>"),
        ReasoningMarkers(start: "<|channel>thought", end: "<channel|>"),
        ReasoningMarkers(start: "<|inner_prefix|>", end: "<|inner_suffix|>"),
    ]

    /// The start that belongs to an end such as `</think>` or `[/THINK]`.
    static func start(for end: String) -> String? {
        if let pair = known.first(where: { $0.end == end }) { return pair.start }
        for (close, open) in [("</", "<"), ("[/", "["), ("<|/", "<|")] where end.hasPrefix(close) {
            return open + end.dropFirst(close.count)
        }
        return nil
    }
}
