package import MartletProtocol
internal import NIOCore

/// When a generation came how far, as this process saw it. Of several choices the first to come there counts.
package struct GenerationTimeline: Sendable, Equatable {
    package enum Milestone: Int, Sendable, CaseIterable {
        /// The model was there, and the engine was asked.
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

    mutating func reach(_ milestone: Milestone, at time: NIODeadline) {
        if times[milestone.rawValue] == nil { times[milestone.rawValue] = time }
    }

    /// How long it took from the beginning; `nil` = it has not come so far.
    package subscript(milestone: Milestone) -> Duration? {
        times[milestone.rawValue].map { .nanoseconds(max(0, ($0 - begin).nanoseconds)) }
    }

    /// How long it took from one milestone to another.
    package func time(from first: Milestone, to second: Milestone) -> Duration? {
        guard let first = self[first], let second = self[second] else { return nil }
        return max(.zero, second - first)
    }
}

/// What is known of where a generation's time went.
package struct GenerationTiming: Sendable {
    package var timeline: GenerationTimeline
    /// From its beginning until now, or until its end.
    package var total: Duration
    /// The prompt's tokens, those of several prompts together, and which of them were in memory already.
    package var promptTokens: Int?
    package var cachedTokens: Int?
    package var tokenCount: Int
    /// What the engine counted, when it has ended.
    package var engine: Timings?
    /// What encoding and writing for readers took, of all readers together, and how many bytes they got.
    package var delivery: (time: Duration, byteCount: Int)
}
