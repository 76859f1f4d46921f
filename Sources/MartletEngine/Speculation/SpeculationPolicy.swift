/// Decides how many tokens one request drafts in a step, from its measured acceptance and the measured duration of
/// decodes.
///
/// Example: 19 of 20 drafted tokens were accepted so far, a plain decode lasts 50 ms, and one of 16 rows 340 ms. Fifteen
/// drafted tokens are then worth 10.2 × 50 ms and cost 290 ms, so they are drafted. With one accepted token in two they
/// are worth 50 ms, so none is drafted, and a draft is tried again later.
///
/// The ledger bounds the loss. Drafts are paid from a balance that begins with two plain decodes and grows by a
/// hundredth of the time of the request; a draft that saves more than it costs pays back. Whatever is accepted, a
/// request therefore loses at most 1 % of its time, plus the initial balance, plus the largest debt, plus one draft,
/// which is at most twice as long as drafts whose cost is known.
///
/// Pure: time is a value. All durations are in nanoseconds.
struct SpeculationPolicy: Sendable {
    /// How likely a draft is, as its drafter sees it. Acceptance is measured for each class by itself.
    enum Confidence: Int, Sendable, CaseIterable {
        /// A match of few tokens.
        case low
        /// A match of several tokens.
        case medium
        /// A long match.
        case high
        /// A draft of a model.
        case model

        /// The balance that such a draft needs, in plain decodes. A likely draft is made although others have lost.
        var leastBalance: Double { [0.25, 0, -1.5, 0][rawValue] }
    }

    /// The rest of the step: everything that is computed besides the draft in question.
    struct Situation: Sendable {
        /// The number of sequences that decode in the step.
        var sequences: Int
        /// The number of rows without the draft: one per sequence, and the drafts of other sequences.
        var rows: Int
        /// The number of tokens that the step is expected to produce without the draft.
        var expectedTokens: Double
        /// The time that the drafter needs per drafted token.
        var draftingTime = 0.0
    }

    /// The share of the time of a request that drafts may cost.
    static let allowance = 0.01
    /// The initial balance and the largest one, in plain decodes.
    private static let initialCredit = 2.0
    private static let creditLimit = 4.0
    /// A draft must be worth this share of a plain decode.
    private static let leastGain = 0.02
    /// The most rows of the first draft of an engine. Later drafts have at most twice the rows that were measured, so
    /// that expensive rows are noticed before there are many.
    private static let firstRows = 4
    /// The acceptance with which a trial must be worthwhile.
    private static let trialRate = 0.98

    /// The acceptance of one class: the probability that a drafted token is accepted if those before it were.
    private struct Acceptance: Sendable {
        var accepted: Double
        var refused: Double
        /// The number of chances without a draft since the last one, and the number that leads to a trial.
        var skipped = 0
        var trialInterval = 16

        var rate: Double { accepted / (accepted + refused) }

        mutating func record(drafted: Int, accepted: Int) {
            self.accepted += Double(accepted)
            if accepted < drafted { refused += 1 }
            // Old drafts count less: about 32 tokens are remembered.
            let total = self.accepted + refused
            guard total > 32 else { return }
            self.accepted *= 32 / total
            refused *= 32 / total
        }
    }

    // The initial values stand for a few earlier drafts. A draft model is tried at once: it was loaded for that.
    private var acceptances = [
        Acceptance(accepted: 1, refused: 1), Acceptance(accepted: 2, refused: 1), Acceptance(accepted: 8, refused: 1),
        Acceptance(accepted: 2, refused: 1, skipped: 16),
    ]
    /// The time that drafts may still lose; `nil` until the duration of a plain decode is known.
    private(set) var balance: Double?

    /// The number of tokens to draft now, at most `limit`; 0 = none.
    mutating func draftLength(limit: Int, _ confidence: Confidence, _ cost: StepCost, _ situation: Situation) -> Int {
        guard limit > 0, cost.hasBaseline(sequences: situation.sequences),
            let plain = cost.nanoseconds(sequences: situation.sequences, rows: situation.sequences),
            let present = cost.nanoseconds(sequences: situation.sequences, rows: situation.rows)
        else { return 0 }
        let share = plain / Double(max(1, situation.sequences))
        let balance = self.balance ?? Self.initialCredit * share
        self.balance = balance
        guard balance > share * confidence.leastBalance else { return skip(confidence) }
        let acceptance = acceptances[confidence.rawValue]
        let known = cost.mostMeasuredRows(sequences: situation.sequences)
        let mostRows = max(2 * known, situation.sequences - 1 + Self.firstRows)
        var best = (length: 0, gain: Self.leastGain * plain)
        var trial = 0
        for rows in StepCost.rowCounts where rows > situation.rows && rows <= mostRows {
            let length = min(rows - situation.rows, limit)
            guard let duration = cost.nanoseconds(sequences: situation.sequences, rows: situation.rows + length) else {
                break
            }
            let added = max(0, duration - present) + Double(length) * situation.draftingTime
            let worth = present / max(1, situation.expectedTokens)
            let gain = Self.expected(length, acceptance.rate) * worth - added
            if gain > best.gain { best = (length, gain) }
            if trial == 0, Self.expected(length, Self.trialRate) * worth - added > Self.leastGain * plain {
                trial = length
            }
            if length == limit { break }
        }
        if best.length > 0 {
            acceptances[confidence.rawValue].skipped = 0
            return best.length
        }
        guard trial > 0, acceptance.skipped >= acceptance.trialInterval else { return skip(confidence) }
        acceptances[confidence.rawValue].skipped = 0
        acceptances[confidence.rawValue].trialInterval = min(256, acceptance.trialInterval * 2)
        return trial
    }

    private mutating func skip(_ confidence: Confidence) -> Int {
        acceptances[confidence.rawValue].skipped += 1
        return 0
    }

    /// The number of tokens that a draft is expected to add to a step.
    func expectedTokens(_ length: Int, _ confidence: Confidence) -> Double {
        Self.expected(length, acceptances[confidence.rawValue].rate)
    }

    /// The expected number of accepted tokens, if each is accepted with this probability after those before it.
    private static func expected(_ length: Int, _ rate: Double) -> Double {
        let rate = min(rate, 0.999)
        var power = 1.0
        for _ in 0..<length { power *= rate }
        return rate * (1 - power) / (1 - rate)
    }

    /// Records the result of a draft.
    ///
    /// - Parameter loss: the time that the draft cost, less the time that its accepted tokens saved.
    mutating func recordDraft(drafted: Int, accepted: Int, _ confidence: Confidence, loss: Double) {
        acceptances[confidence.rawValue].record(drafted: drafted, accepted: accepted)
        if loss < 0 { acceptances[confidence.rawValue].trialInterval = 16 }
        if let balance { self.balance = balance - loss }
    }

    /// Records that a step of the request took time, with or without a draft.
    ///
    /// - Parameters:
    ///   - share: the duration of the step, divided by its sequences.
    ///   - plainShare: the same for a plain decode; it scales the limit of the balance.
    mutating func recordStep(share: Double, plainShare: Double) {
        guard let balance else { return }
        self.balance = min(balance + share * Self.allowance, Self.creditLimit * plainShare)
    }
}
