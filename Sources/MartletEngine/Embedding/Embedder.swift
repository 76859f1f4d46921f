import Llama
import MartletProtocol

/// Computes the embeddings of inputs.
///
/// It has a context of its own, so that running sequences retain their KV cache. One batch is computed per step, so
/// that running sequences wait no longer than for the prefill of another request.
///
/// Thread: the engine thread only.
final class Embedder {
    private struct Work {
        let job: EmbeddingJob
        var results: [Embedding?]
    }

    private var context: Context
    private var batch: Batch
    private var queue = EmbeddingQueue()
    private var work: [UInt64: Work] = [:]
    private var lastNumber: UInt64 = 0
    private var prefillBudget: PrefillBudget
    private let pooling: Pooling
    private let limit: Int
    private let queueLimit: Int
    /// The largest number of inputs in one batch.
    private let sequences: Int
    /// Names the model in errors.
    private let information: ModelInformation

    init(
        context: consuming Context, information: ModelInformation, sequences: Int, queueLimit: Int,
        maximumStall: Duration
    ) {
        self.sequences = sequences
        self.information = information
        pooling = context.pooling
        limit = context.batchSize
        self.queueLimit = queueLimit
        prefillBudget = PrefillBudget(maximumStall: maximumStall, ceiling: limit)
        batch = Batch(capacity: limit)
        self.context = context
    }

    var isIdle: Bool { queue.isEmpty }

    /// The limits that inputs are checked against before they reach the engine thread.
    var limits: EmbeddingLimits {
        EmbeddingLimits(
            inputTokens: pooling == .last && context.hasKVCache ? context.contextLength : limit,
            length: context.embeddingLength, isPooled: pooling != .none)
    }

    var kind: EmbeddingPooling {
        switch pooling {
        case .none, .ofModel: .none
        case .mean: .mean
        case .first: .first
        case .last: .last
        case .rank: .rank
        }
    }

    /// Queues a job, or fails it with `overloaded` if the queue is full.
    func add(_ job: EmbeddingJob) {
        guard queue.count < queueLimit else {
            job.fail(EngineError(.overloaded, "The queue is full: \(queueLimit) requests for embeddings wait already."))
            return
        }
        lastNumber += 1
        work[lastNumber] = Work(job: job, results: Array(repeating: nil, count: job.inputs.count))
        queue.append(lastNumber, counts: job.inputs.map(\.count))
    }

    /// Fails every queued job, and empties the queue.
    func failAll(_ error: EngineError) {
        for work in work.values { work.job.fail(error) }
        work = [:]
        queue = EmbeddingQueue()
    }

    /// Computes one batch of queued inputs.
    ///
    /// - Parameter isDecoding: whether running sequences wait for their next token; the batch is then limited by the
    ///   prefill budget.
    func step(isDecoding: Bool) {
        for (number, work) in work where !work.job.reply.isAwaited { fail(number, .withdrawn) }
        let parts = queue.next(
            budget: prefillBudget.tokenLimit(isDecoding: isDecoding), limit: limit, sequences: sequences)
        guard !parts.isEmpty else { return }
        let before = MonotonicTime.now
        let decodeResult = compute(parts)
        if decodeResult == .done {
            prefillBudget.observe(tokens: batch.count, nanoseconds: MonotonicTime.now.nanoseconds - before.nanoseconds)
            return
        }
        // Each input is computed by itself, so that only the input at fault fails.
        for part in parts {
            let decodeResult = parts.count > 1 ? compute([part]) : decodeResult
            guard decodeResult != .done else { continue }
            fail(
                part.job, EngineError(.generationFailed, "Input \(part.input) could not be computed (\(decodeResult)).")
            )
        }
    }

    /// Decodes one batch. Parts of a long input are decoded one after another; the first part clears the KV cache.
    private func compute(_ parts: [EmbeddingQueue.Part]) -> Context.DecodeResult {
        if parts.first?.start == 0 { context.removeAll() }
        fill(parts)
        let decodeResult = context.decode(batch)
        if decodeResult == .done { collectResults(of: parts) }
        return decodeResult
    }

    private func fill(_ parts: [EmbeddingQueue.Part]) {
        batch.removeAll()
        for (sequence, part) in parts.enumerated() {
            guard let input = work[part.job]?.job.inputs[part.input] else { continue }
            for position in part.start..<part.start + part.count {
                batch.add(token: input[position], position: position, sequence: sequence, wantsLogits: true)
            }
        }
    }

    private func collectResults(of parts: [EmbeddingQueue.Part]) {
        var index = 0
        for (sequence, part) in parts.enumerated() {
            defer { index += part.count }
            guard part.isLast else { continue }
            var values: [Float] = []
            if pooling == .none {
                for token in index..<index + part.count {
                    if let vector = context.embedding(at: token) { values += vector }
                }
            } else if let vector = context.embedding(of: sequence) {
                values = Array(vector)
            }
            finish(part, values)
        }
    }

    /// Stores the vectors of one input, and completes its job when all inputs have theirs.
    private func finish(_ part: EmbeddingQueue.Part, _ values: [Float]) {
        guard let job = work[part.job]?.job else { return }
        guard !values.isEmpty else {
            fail(part.job, EngineError(.generationFailed, "The model computed no vector for input \(part.input)."))
            return
        }
        guard values.allSatisfy(\.isFinite) else {
            fail(part.job, .unusableLogits(of: information))
            return
        }
        work[part.job]?.results[part.input] = Embedding(
            tokenCount: job.inputs[part.input].count, length: context.embeddingLength, values: values)
        guard let results = work[part.job]?.results, !results.contains(nil) else { return }
        work[part.job] = nil
        job.finish(results.compactMap(\.self))
    }

    private func fail(_ number: UInt64, _ error: EngineError) {
        work.removeValue(forKey: number)?.job.fail(error)
        queue.remove(number)
    }
}
