package import MartletProtocol
internal import NIOCore

/// The times at which a generation reached its milestones, as this process saw them. With several choices the first
/// choice that reaches a milestone counts.
package struct GenerationTimeline: Sendable, Equatable {
    /// A point in the way of a request, in the usual order.
    package enum Milestone: Int, Sendable, CaseIterable {
        /// The model was loaded, and the engine received the request.
        case submitted
        /// The prompt was tokenized.
        case admitted
        /// A sequence was assigned.
        case started
        case firstToken
        case ended
    }
    private var times: [NIODeadline?]
    private let begin: NIODeadline

    init(begin: NIODeadline) {
        self.begin = begin
        times = Array(repeating: nil, count: Milestone.allCases.count)
    }

    /// Records a milestone, unless it was reached before.
    mutating func reach(_ milestone: Milestone, at time: NIODeadline) {
        if times[milestone.rawValue] == nil { times[milestone.rawValue] = time }
    }

    /// The time from the beginning to a milestone; `nil` = the milestone was not reached.
    package subscript(milestone: Milestone) -> Duration? {
        times[milestone.rawValue].map { .nanoseconds(max(0, ($0 - begin).nanoseconds)) }
    }

    /// The time from one milestone to another, at least 0; `nil` = one of them was not reached.
    package func time(from first: Milestone, to second: Milestone) -> Duration? {
        guard let first = self[first], let second = self[second] else { return nil }
        return max(.zero, second - first)
    }
}

/// The time that a generation has spent in its phases.
package struct GenerationTiming: Sendable {
    package var timeline: GenerationTimeline
    /// The time from the beginning until now, or until the end.
    package var total: Duration
    /// The number of prompt tokens, of all prompts together; nil before admission.
    package var promptTokens: Int?
    /// The number of prompt tokens that the KV cache held already; nil before a sequence was assigned.
    package var cachedTokens: Int?
    package var tokenCount: Int
    /// The engine's own figures; nil before the end.
    package var engine: Timings?
    /// The time spent on encoding and writing, and the bytes written, of all readers together.
    package var delivery: (time: Duration, byteCount: Int)
}
