package import MartletProtocol
import Synchronization

extension WorkerEngine {
    /// Asks the worker for the tokens of a prompt.
    /// - Throws: `engineLost` without a reply within `replyTimeout`, or the worker's own error.
    package func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] {
        guard case .tokens(_, let tokens) = try await query({ .tokenize($0, prompt) }) else { throw Self.wrongReply }
        return tokens
    }

    /// Asks the worker for the text of tokens.
    /// - Throws: As `tokenize`.
    package func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] {
        guard case .bytes(_, let bytes) = try await query({ .detokenize($0, tokens) }) else { throw Self.wrongReply }
        return bytes
    }

    /// Asks the worker for embeddings. There is no time limit.
    /// - Throws: The worker's error, or `engineLost` if the worker dies.
    package func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] {
        // Computation may take any time; the hang monitor detects a worker without progress.
        let reply = try await query({ .embed($0, inputs) }, within: nil)
        guard case .embeddings(_, let embeddings) = reply else { throw Self.wrongReply }
        return embeddings
    }

    /// Asks the worker to save, restore or drop the cached tokens of a slot. There is no time limit.
    /// - Throws: As `embed`.
    package func perform(_ action: SlotAction) async throws(EngineError) -> SlotActionResult {
        // The action waits for the generation in the slot.
        guard case .slot(_, let result) = try await query({ .slot($0, action) }, within: nil) else {
            throw Self.wrongReply
        }
        return result
    }

    /// Asks the worker for the state of its sequences.
    /// - Throws: As `tokenize`.
    package func status() async throws(EngineError) -> EngineStatus {
        guard case .status(_, let status) = try await query({ .status($0) }) else { throw Self.wrongReply }
        return status
    }

    private static let wrongReply = EngineError(.engineLost, "the worker sent a reply of another kind")

    private func query(_ makeFrame: (QueryNumber) -> EdgeFrame) async throws(EngineError) -> WorkerFrame {
        try await query(makeFrame, within: replyTimeout)
    }

    /// Sends a query and waits for its reply. Cancellation withdraws the query.
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
            Task { [clock] in
                try await clock.sleep(limit)
                failQuery(number, EngineError(.engineLost, "the worker did not reply within \(limit)"))
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
            // Decoded here and not on the thread that reads the worker, which must not wait for a large reply.
            do throws(FrameError) {
                return try reply.frame()
            } catch {
                throw EngineError(.engineLost, "the worker's reply cannot be read: \(error)")
            }
        }
    }

    private static let cancelled = EngineError(.engineLost, "the query was cancelled")

    /// Ends a query with an error, and withdraws it from the worker. Has no effect after the reply.
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
