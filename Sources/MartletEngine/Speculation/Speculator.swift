import MartletGrammar
import MartletProtocol

/// Speculative decoding of all sequences: proposes drafts before a decode, and learns from the result.
///
/// ```
///  propose ──▶ Scheduler adds drafts to the batch ──▶ decode ──▶ EngineLoop.verify ──▶ record
/// ```
///
/// Thread: the engine thread only.
final class Speculator {
    /// A draft of the running step.
    private struct Proposal {
        var sequence: EngineSequence
        var length: Int
        var confidence: SpeculationPolicy.Confidence
        /// The time that the drafter has spent on it, in nanoseconds.
        var draftingTime: Double
    }

    /// The duration of a step, and what it consisted of.
    struct Step {
        /// The sequences that decoded.
        var sequences: [EngineSequence]
        /// The number of draft tokens among the rows.
        var draftCount: Int
        /// The time of decode and samples, in nanoseconds.
        var nanoseconds: Double
    }

    /// The most draft tokens of one decode: a batch of 64 tokens and more rounds differently.
    static let draftLimit = BatchShape.chunk - 2
    /// After so many steps with drafts one step has none, so that the duration of a plain decode stays known.
    static let plainInterval = 64

    private let configuration: SpeculationConfiguration
    private let draftModel: DraftModel?
    private(set) var cost = StepCost()
    private var proposals: [Proposal] = []
    private var stepsWithDrafts = 0
    /// The time of the draft model for one token of all its sequences.
    private var passTime = StepCost.Average()

    init(_ configuration: SpeculationConfiguration, draftModel: DraftModel?) {
        self.configuration = configuration
        self.draftModel = draftModel
    }

    /// The speculation of a new sequence; `nil` if it has none.
    func newSpeculation(for request: SpeculationParameters) -> SequenceSpeculation? {
        let settings = SpeculationSettings(request, configuration)
        return settings.kinds.isEmpty ? nil : SequenceSpeculation(settings)
    }

    /// Sets the drafts of the next decode.
    ///
    /// - Parameters:
    ///   - sequences: the sequences that decode in the step. None of them has a draft afterwards that its grammar
    ///     refuses, or that exceeds its limits.
    ///   - hasPrefill: whether prompts are computed, too. The step then has no drafts: its duration says nothing, and
    ///     rows for prompts are worth more.
    ///   - rowLimit: the most rows of the decode.
    ///   - sequenceLimit: the most items of a sequence.
    ///   - isConstrained: whether the grammar of a sequence applies to its next token.
    func propose(
        for sequences: [EngineSequence], hasPrefill: Bool, rowLimit: Int, sequenceLimit: Int,
        isConstrained: (EngineSequence) -> Bool
    ) {
        proposals.removeAll(keepingCapacity: true)
        for sequence in sequences { sequence.speculation?.discard() }
        guard !hasPrefill, sequences.contains(where: { $0.speculation != nil }) else { return }
        if configuration.adaptsLength, stepsWithDrafts >= Self.plainInterval {
            stepsWithDrafts = 0
            return
        }
        var situation = SpeculationPolicy.Situation(
            sequences: sequences.count, rows: sequences.count, expectedTokens: Double(sequences.count))
        var room = min(Self.draftLimit, rowLimit - sequences.count)
        var requests: [DraftModel.Request] = []
        for sequence in sequences {
            let limit = min(room, sequence.draftLimit(sequenceLimit: sequenceLimit))
            // The value is moved out while it changes, so that its index is not copied.
            guard limit > 0, var speculation = sequence.speculation.take() else { continue }
            defer { sequence.speculation = speculation }
            for kind in speculation.settings.kinds where speculation.draft.isEmpty {
                switch kind {
                case .ngram:
                    situation.draftingTime = 0
                    propose(&speculation, for: sequence, limit, situation, isConstrained(sequence))
                case .model:
                    situation.draftingTime = passTime.mean
                    let length = length(
                        &speculation.policy, min(limit, speculation.settings.modelDraftLimit), .model, situation)
                    guard length > 0, let slot = sequence.slot else { continue }
                    requests.append(
                        .init(
                            slot: slot, history: sequence.history, limit: length,
                            minimumProbability: speculation.settings.minimumProbability))
                    room -= length
                }
            }
            let count = speculation.draft.count
            guard count > 0 else { continue }
            room -= count
            situation.rows += count
            situation.expectedTokens += speculation.policy.expectedTokens(count, speculation.confidence)
            proposals.append(
                Proposal(sequence: sequence, length: count, confidence: speculation.confidence, draftingTime: 0))
        }
        runDraftModel(requests, sequences, isConstrained)
        if !proposals.isEmpty { stepsWithDrafts += 1 }
    }

    /// Proposes the continuation of a lookup.
    private func propose(
        _ speculation: inout SequenceSpeculation, for sequence: EngineSequence, _ limit: Int,
        _ situation: SpeculationPolicy.Situation, _ isConstrained: Bool
    ) {
        guard let match = speculation.lookup(sequence.history, limit: limit) else { return }
        let length = length(&speculation.policy, match.tokens.count, match.confidence, situation)
        guard length > 0 else { return }
        speculation.propose(
            sequence.allowedDraft(match.tokens.prefix(length), isConstrained: isConstrained), match.confidence)
    }

    /// The number of tokens to draft, at most `limit`.
    private func length(
        _ policy: inout SpeculationPolicy, _ limit: Int, _ confidence: SpeculationPolicy.Confidence,
        _ situation: SpeculationPolicy.Situation
    ) -> Int {
        configuration.adaptsLength
            ? policy.draftLength(limit: limit, confidence, cost, situation) : limit
    }

    /// Lets the draft model draft for several sequences at once.
    private func runDraftModel(
        _ requests: [DraftModel.Request], _ sequences: [EngineSequence], _ isConstrained: (EngineSequence) -> Bool
    ) {
        guard let draftModel, !requests.isEmpty else { return }
        let begin = MonotonicTime.now
        let drafts = draftModel.draft(requests)
        let time = Double(MonotonicTime.now.nanoseconds - begin.nanoseconds)
        let passes = drafts.map(\.count).max() ?? 0
        // A call that also computed a prompt says nothing about the time of a token.
        let isTypical = draftModel.lastPromptCount <= requests.count * (Self.draftLimit + 1)
        if passes > 0, isTypical { passTime.add(time / Double(passes)) }
        let share = isTypical ? time / Double(requests.count) : 0
        for (request, draft) in zip(requests, drafts) where !draft.isEmpty {
            guard let sequence = sequences.first(where: { $0.slot == request.slot }) else { continue }
            sequence.speculation?.propose(
                sequence.allowedDraft(draft[...], isConstrained: isConstrained(sequence)), .model)
            let count = sequence.speculation?.draft.count ?? 0
            guard count > 0 else { continue }
            proposals.append(
                Proposal(sequence: sequence, length: count, confidence: .model, draftingTime: share))
        }
    }

    /// Learns from a step without prompts: durations, acceptance, and what the drafts have saved.
    func record(_ step: Step) {
        let count = step.sequences.count
        guard count > 0 else { return }
        cost.observe(sequences: count, rows: count + step.draftCount, nanoseconds: step.nanoseconds)
        if step.draftCount == 0 { stepsWithDrafts = 0 }
        guard let plain = cost.nanoseconds(sequences: count, rows: count), cost.hasBaseline(sequences: count) else {
            return
        }
        let plainShare = plain / Double(count)
        for proposal in proposals {
            guard let result = proposal.sequence.speculation?.lastResult else { continue }
            let share = Double(proposal.length) / Double(max(1, step.draftCount))
            let added = (step.nanoseconds - plain) * share + proposal.draftingTime
            proposal.sequence.speculation?.policy.recordDraft(
                drafted: result.verified, accepted: result.accepted, proposal.confidence,
                loss: added - Double(result.accepted) * plainShare)
        }
        proposals.removeAll(keepingCapacity: true)
        for sequence in step.sequences {
            sequence.speculation?.policy.recordStep(
                share: step.nanoseconds / Double(count), plainShare: plainShare)
        }
    }
}

extension EngineSequence {
    /// The most tokens that a draft can have now: the last one is sampled behind it.
    func draftLimit(sequenceLimit: Int) -> Int {
        guard !isReplaying, !isAtTokenLimit else { return 0 }
        let remaining = settings.maximumTokens.map { $0 - predictedCount - 1 } ?? .max
        return max(0, min(remaining, sequenceLimit - history.count - 1))
    }

    /// The beginning of a draft that the grammar allows, so that no row is computed for a token that must be refused.
    ///
    /// A grammar that applies from a later token on is not asked: the tokens before it decide its state.
    func allowedDraft(_ tokens: ArraySlice<Int32>, isConstrained: Bool) -> [Int32] {
        guard isConstrained, let matcher else { return Array(tokens) }
        return Array(tokens.prefix(matcher.allowedCount(of: tokens)))
    }
}
