import Llama
import MartletProtocol

/// A smaller model that drafts tokens: its weights, and one context for all sequences.
///
/// Its KV cache follows the histories: before a draft it is cut to the common prefix of its own tokens and the history,
/// so refused drafts, rewinds, forks and a new sequence in the slot need no call. Its tokens are always the most likely
/// ones, because the model's own sampler decides afterwards.
///
/// Thread: the engine thread only.
final class DraftModel {
    /// One sequence that wants a draft.
    struct Request {
        /// The slot; it is also the sequence id in the draft context.
        var slot: Int
        /// Prompt and output so far.
        var history: [Int32]
        /// The most tokens to draft.
        var limit: Int
        /// A token that is less likely ends the draft. 0 = no bound.
        var minimumProbability: Float
    }

    /// The largest number of prompt tokens that one call computes. A long prompt enters over several calls, without a
    /// draft, so that no step is long.
    static let catchUpLimit = 256

    private let vocabulary: Vocabulary
    private var context: Context
    private var batch: Batch
    /// The tokens in the KV cache of each slot.
    private var cached: [[Int32]]
    /// The number of tokens of histories that the last call computed before it drafted.
    private(set) var lastPromptCount = 0
    /// The largest number of tokens of a sequence.
    private let sequenceLimit: Int
    /// The number of tokens of the model's vocabulary. Tokens beyond it are never drafted.
    private let tokenLimit: Int

    /// Creates the context of a loaded draft model.
    ///
    /// - Parameters:
    ///   - options: sequences, context length, threads and cache types.
    ///   - target: the vocabulary of the model.
    /// - Throws: if the vocabulary differs, or the state of the model cannot be cut.
    init(_ model: Model, options: Context.Options, for target: Vocabulary) throws(LlamaError) {
        vocabulary = try Vocabulary(model: model)
        if let difference = VocabularyComparison.difference(vocabulary, from: target) {
            throw LlamaError(
                .loadFailed, "The draft model \(model.path) does not fit the model: \(difference) (--model-draft).")
        }
        guard model.hasDecoder, !model.hasEncoder, !model.hasRecurrentState else {
            throw LlamaError(
                .loadFailed,
                "The draft model \(model.path) must be a decoder without recurrent state, because refused tokens are "
                    + "removed from its KV cache (--model-draft).")
        }
        var options = options
        // All sequences then need one decode per drafted token, and a draft can be removed beyond the window.
        options.usesUnifiedKV = true
        options.keepsFullWindow = true
        options.batchSize = max(Self.catchUpLimit, options.sequenceCount)
        options.microBatchSize = options.batchSize
        options.outputCount = options.sequenceCount
        context = try Context(model: model, options: options)
        batch = Batch(capacity: context.batchSize)
        cached = [[Int32]](repeating: [], count: options.sequenceCount)
        sequenceLimit = min(context.sequenceContextLength, context.contextLength, max(1, model.trainedContextLength))
        tokenLimit = target.count
    }

    /// The number of tokens that a slot has in the KV cache of the draft context.
    func cachedCount(of slot: Int) -> Int { cached[slot].count }

    /// Drafts tokens for several sequences at once.
    ///
    /// - Returns: a draft for each request, empty if the prompt is still being computed, if the context has no room, or
    ///   if the first token is not likely enough.
    func draft(_ requests: [Request]) -> [[Int32]] {
        var drafts = [[Int32]](repeating: [], count: requests.count)
        // The index in `requests`, and the index of its logits in the batch.
        var active: [(request: Int, row: Int)] = []
        batch.removeAll()
        for (index, request) in requests.enumerated() {
            guard request.limit > 0, request.history.count + request.limit <= sequenceLimit else { continue }
            cut(request.slot, to: commonPrefix(request))
            let start = cached[request.slot].count
            let count = min(request.history.count - start, batch.capacity - batch.count)
            var row = 0
            for position in start..<(start + count) {
                row = batch.add(
                    token: request.history[position], position: position, sequence: request.slot,
                    wantsLogits: position + 1 == request.history.count)
            }
            cached[request.slot] += request.history[start..<(start + count)]
            if count > 0, start + count == request.history.count { active.append((index, row)) }
        }
        lastPromptCount = batch.count
        guard batch.count > 0, compute(requests) else { return drafts }
        while !active.isEmpty {
            let rows = active
            active.removeAll(keepingCapacity: true)
            batch.removeAll()
            for (index, row) in rows {
                let request = requests[index]
                guard let token = likelyToken(at: row, request.minimumProbability) else { continue }
                drafts[index].append(token)
                guard drafts[index].count < request.limit else { continue }
                let next = batch.add(
                    token: token, position: request.history.count + drafts[index].count - 1, sequence: request.slot,
                    wantsLogits: true)
                cached[request.slot].append(token)
                active.append((index, next))
            }
            guard !active.isEmpty, compute(requests) else { break }
        }
        return drafts
    }

    /// How many tokens of a slot's KV cache can stay. At least the last token of the history is computed again, because
    /// its logits are needed.
    private func commonPrefix(_ request: Request) -> Int {
        let limit = min(cached[request.slot].count, request.history.count - 1)
        return cached[request.slot].withUnsafeBufferPointer { own in
            request.history.withUnsafeBufferPointer { history in
                var count = 0
                while count < limit, own[count] == history[count] { count += 1 }
                return count
            }
        }
    }

    private func cut(_ slot: Int, to count: Int) {
        guard count < cached[slot].count else { return }
        if count > 0, context.removeTail(of: slot, from: count) {
            cached[slot].removeLast(cached[slot].count - count)
        } else {
            clear(slot)
        }
    }

    private func clear(_ slot: Int) {
        context.removeAll(of: slot)
        cached[slot] = []
    }

    /// Computes the batch. If there is no room, the slots of other sequences are cleared first; their tokens are computed
    /// again when they draft. After a failure the slots of the requests are empty.
    private func compute(_ requests: [Request]) -> Bool {
        var result = context.decode(batch)
        if result == .noRoom {
            for slot in cached.indices where !requests.contains(where: { $0.slot == slot }) { clear(slot) }
            result = context.decode(batch)
        }
        guard result != .done else { return true }
        for request in requests { clear(request.slot) }
        return false
    }

    /// The most likely token, unless it is too unlikely, ends the generation, or is unknown to the model.
    private func likelyToken(at row: Int, _ minimumProbability: Float) -> Int32? {
        guard let logits = context.logits(at: row) else { return nil }
        let best = LogitScan.maximum(logits)
        let token = Int32(truncatingIfNeeded: best.token)
        guard best.value > -.infinity, best.value < .infinity, best.token < tokenLimit,
            !vocabulary.attributes(token).contains(.endOfGeneration)
        else { return nil }
        if minimumProbability > 0 {
            let probability = 1 / LogitScan.sumOfExponentials(logits, less: best.value)
            if probability < minimumProbability { return nil }
        }
        return token
    }
}
