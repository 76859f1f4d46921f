package import MartletProtocol
import Synchronization

extension WorkerEngine {
    package func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] {
        guard case .tokens(_, let tokens) = try await query({ .tokenize($0, prompt) }) else { throw Self.wrongReply }
        return tokens
    }

    package func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] {
        guard case .bytes(_, let bytes) = try await query({ .detokenize($0, tokens) }) else { throw Self.wrongReply }
        return bytes
    }

    package func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] {
        // It waits its turn and takes as long as it takes: a worker that computes is not one that hangs.
        let reply = try await query({ .embed($0, inputs) }, within: nil)
        guard case .embeddings(_, let embeddings) = reply else { throw Self.wrongReply }
        return embeddings
    }

    package func status() async throws(EngineError) -> EngineStatus {
        guard case .status(_, let status) = try await query({ .status($0) }) else { throw Self.wrongReply }
        return status
    }

    private static let wrongReply = EngineError(.engineLost, "the worker answered another question")

    private func query(_ makeFrame: (QueryNumber) -> EdgeFrame) async throws(EngineError) -> WorkerFrame {
        try await query(makeFrame, within: replyTimeout)
    }

    /// Asks the worker and waits for its answer.
    private func query(
        _ makeFrame: (QueryNumber) -> EdgeFrame, within limit: Duration?
    ) async throws(EngineError) -> WorkerFrame {
        let number = core.withLock { core in
            core.lastQuery += 1
            return QueryNumber(rawValue: core.lastQuery)
        }
        let frame: [UInt8]
        switch encode(makeFrame(number)) {
        case .success(let bytes): frame = bytes
        case .failure(let error): throw error
        }
        let timeout = limit.map { limit in
            Task {
                try await Task.sleep(for: limit)
                failQuery(number, EngineError(.engineLost, "the worker gave no answer within \(limit)"))
            }
        }
        defer { timeout?.cancel() }
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                core.withLock { $0.replies[number] = continuation }
                if let refusal = admit(.query(number, frame: frame), frame) { failQuery(number, refusal) }
                if Task.isCancelled { failQuery(number, Self.cancelled) }
            }
        } onCancel: {
            failQuery(number, Self.cancelled)
        }
        switch result {
        case .success(.whole(.failure(_, let error))), .failure(let error): throw error
        case .success(.whole(let frame)): return frame
        case .success(.parts(let reply)):
            // Here, so that the thread that reads the worker goes on meanwhile.
            do throws(FrameError) {
                return try reply.frame()
            } catch {
                throw EngineError(.engineLost, "the worker's answer cannot be read: \(error)")
            }
        }
    }

    private static let cancelled = EngineError(.engineLost, "the question was cancelled")

    private func failQuery(_ number: QueryNumber, _ error: EngineError) {
        core.withLock { core in
            if core.ledger.withdraw(number), case .success(let frame) = encode(.withdraw(number)) {
                core.outgoing?.add(frame)
            }
            core.partialReplies[number] = nil
            core.replies.removeValue(forKey: number)?.resume(returning: .failure(error))
        }
    }
}
