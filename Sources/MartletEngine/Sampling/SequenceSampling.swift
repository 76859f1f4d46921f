import Llama
import MartletGrammar
import MartletProtocol

/// Samples the next tokens of sequences from their logits: with grammars, with probabilities, several at the same time.
///
/// The buffers are shared by all sequences. Thread: the engine thread; `SamplerPool` has threads of its own.
final class SequenceSampling {
    let loaded: OpenedModel
    private let samplerPool: SamplerPool
    /// The logits before a sample that a grammar may refuse.
    private lazy var savedLogits = SavedLogits(vocabularySize: loaded.vocabulary.count)
    private lazy var report = TokenReport(vocabularySize: loaded.vocabulary.count)
    // Reused in every step, to avoid allocations.
    private var parallelSamples: [ParallelSample] = []

    init(loaded: OpenedModel, configuration: ParallelSampling) {
        self.loaded = loaded
        samplerPool = SamplerPool(configuration, vocabularySize: loaded.vocabulary.count)
    }

    /// Samples the tokens of several sequences at the same time, if that is faster, into their `sampledToken`. They are
    /// accepted one by one afterwards.
    ///
    /// Sequences with a grammar or with probabilities are excluded, because their state is shared between sequences.
    ///
    /// - Parameter rows: the sequences with their logits.
    func sampleInParallel(_ rows: [ParallelSample]) {
        guard rows.count > 1 else { return }
        var logitCount = 0
        for row in rows {
            let sequence = row.sequence
            guard !sequence.isAtTokenLimit, sequence.settings.probabilities == nil, !isConstrained(sequence) else {
                continue
            }
            parallelSamples.append(row)
            logitCount += row.logits.count * sequence.sampler.passes
        }
        let laneCount = samplerPool.laneCount(for: parallelSamples.count, logitCount: logitCount)
        guard laneCount > 1 else { return }
        // Each element belongs to one lane, and this thread, which owns the array, waits for all lanes.
        nonisolated(unsafe) let parallelSamples = parallelSamples
        samplerPool.run(parallelSamples.count, lanes: laneCount) { job, candidates in
            let (sequence, logits) = (parallelSamples[job].sequence, parallelSamples[job].logits)
            let begin = MonotonicTime.now
            sequence.sampledToken = .some(
                sequence.sampler.sample(
                    logits, history: sequence.history, index: sequence.predictedCount, with: candidates))
            sequence.samplingTime += .now - begin
        }
    }

    /// Removes the samples that no sequence has accepted.
    func endStep() {
        for sample in parallelSamples { sample.sequence.sampledToken = nil }
        parallelSamples.removeAll(keepingCapacity: true)
    }

    /// Samples a token, and records its probability if the request asks for it.
    ///
    /// - Parameter replayed: the token that an earlier run sampled here. The sample then only updates the state of the
    ///   sampler.
    /// - Returns: `nil` if no token can be sampled; `noTokenToSample` has the reason.
    func sampleToken(
        for sequence: EngineSequence, from logits: UnsafeMutableBufferPointer<Float>, replaying replayed: Int32?
    ) -> (id: Int32, probabilities: TokenProbabilities?)? {
        let probabilityRequest = sequence.settings.probabilities
        if let probabilityRequest, probabilityRequest.stage == .beforeSampling {
            report.load(logits, count: probabilityRequest.count)
        }
        let begin = MonotonicTime.now
        let sampled = sampleAllowedToken(for: sequence, from: logits)
        sequence.samplingTime += .now - begin
        guard let token = replayed ?? sampled else { return nil }
        guard let probabilityRequest else { return (token, nil) }
        let text = { sequence.text(of: $0, in: self.loaded.vocabulary) }
        switch probabilityRequest.stage {
        case .beforeSampling: return (token, report.report(token, textOffset: sequence.textOffset, text: text))
        case .afterSampling:
            return (
                token,
                report.report(
                    token, isGreedy: sequence.sampler.isGreedy, from: samplerPool.first,
                    count: probabilityRequest.count,
                    textOffset: sequence.textOffset, text: text)
            )
        }
    }

    /// Samples a token that the grammar of the sequence allows.
    ///
    /// The grammar is first asked about the sampled token only. The token mask is computed only if the grammar refuses
    /// that token.
    private func sampleAllowedToken(for sequence: EngineSequence, from logits: UnsafeMutableBufferPointer<Float>)
        -> Int32?
    {
        if let sampledToken = sequence.sampledToken.take() { return sampledToken }
        let candidates = samplerPool.first
        guard let matcher = sequence.matcher, isConstrained(sequence) else {
            return sequence.sampler.sample(
                logits, history: sequence.history, index: sequence.predictedCount, with: candidates)
        }
        if sequence.isOffGrammar { return nil }
        let preservesLogits = sequence.sampler.preservesLogits
        if !preservesLogits { savedLogits.save(logits) }
        let selection = sequence.sampler.selection
        let token = sequence.sampler.sample(
            logits, history: sequence.history, index: sequence.predictedCount, with: candidates)
        let begin = MonotonicTime.now
        if let token, matcher.allows(token) {
            sequence.grammarTime += .now - begin
            return token
        }
        let mask = matcher.mask()
        sequence.grammarTime += .now - begin
        if !preservesLogits { savedLogits.restore(logits) }
        return sequence.sampler.resample(
            after: selection, logits, mask: mask, history: sequence.history, index: sequence.predictedCount,
            with: candidates)
    }

    /// Adds the logprobs of the prompt tokens whose predecessors are in one part of a batch.
    ///
    /// - Parameters:
    ///   - range: the positions of the part.
    ///   - logits: the logits behind a position.
    /// - Returns: whether all logits were usable.
    func addPromptLogprobs(
        to sequence: EngineSequence, _ range: Range<Int>,
        logits: (Int) -> UnsafeMutableBufferPointer<Float>?
    ) -> Bool {
        guard let probabilityRequest = sequence.settings.probabilities, var prompt = sequence.promptLogprobs else {
            return true
        }
        if prompt.next == 0 { prompt.addFirst(sequence.history[0]) }
        for position in range where prompt.next == position + 1 {
            guard let logits = logits(position) else { break }
            report.load(logits, count: probabilityRequest.count)
            guard report.isUsable else { return false }
            prompt.add(sequence.history[position + 1], report, vocabulary: loaded.vocabulary)
        }
        sequence.promptLogprobs = prompt
        return true
    }
}

/// The sampler of one sequence and the logits that it samples from.
struct ParallelSample {
    var sequence: EngineSequence
    var logits: UnsafeMutableBufferPointer<Float>
}
