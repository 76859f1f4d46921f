import Llama
import MartletProtocol

/// Removes the end of the output, and lets the sequence continue from there with a new sampler.
struct RewindCommand: EngineCommand {
    static let requirement = CommandRequirement.begunSequence

    let target: RewindTarget

    /// Returns the remaining number of output tokens.
    func validate(_ target: CommandTarget, in engine: EngineCore) throws(ControlRefusal) -> Int {
        let sequence = target.sequence
        guard !sequence.isTruncated else { throw .truncated }
        return sequence.cutPoint(for: try wantedCount(sequence, engine))
    }

    func apply(_ count: Int, to target: CommandTarget, in engine: EngineCore) {
        let sequence = target.sequence
        sequence.rewind(
            to: count, vocabulary: engine.loaded.vocabulary, matcher: engine.newMatcher(for: sequence.constraint))
        sequence.sampler = sequence.samplingTokens.sampler(
            for: sequence.settings.sampling, vocabularySize: engine.loaded.vocabulary.count)
        // The last token stays out of the KV cache and is computed again: its logits are needed to sample the next
        // token.
        let cachedTokenCount =
            target.entry.map { engine.kvCache[$0].count } ?? engine.kvCache.savedStates.tokenCount(of: target.handle)
        let reused = engine.scheduler.planner.shape.reusable(
            min(cachedTokenCount, sequence.history.count - 1), promptCount: sequence.promptCount)
        if let entry = target.entry {
            engine.kvCache.forgetItems(of: entry, from: sequence.history.count)
            engine.kvCache.cut(entry, to: reused)
        } else {
            engine.kvCache.savedStates.cut(target.handle, to: reused)
        }
        engine.reportApplied(.rewound, to: target, token: count)
        engine.applyDueCommands(sequence)
    }

    /// The number of output tokens before the target.
    private func wantedCount(_ sequence: EngineSequence, _ engine: EngineCore) throws(ControlRefusal) -> Int {
        switch target {
        case .token(let count):
            guard count >= 0, count <= sequence.predictedCount else {
                throw .beyondEnd(tokens: sequence.predictedCount)
            }
            return count
        case .text(let text):
            guard !text.isEmpty, let count = sequence.tokenCount(behind: text, in: engine.loaded.vocabulary) else {
                throw .textNotFound
            }
            return count
        }
    }
}
