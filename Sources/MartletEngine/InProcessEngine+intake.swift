import Llama
import MartletProtocol

/// What the thread that tokenizes is told.
enum IntakeMessage: Sendable {
    case prepare(GenerationRequest, submitted: MonotonicTime)
    /// A grammar that a running generation is to follow.
    case compile(GenerationConstraint, for: GenerationHandle)
    /// Loading has ended, well or not.
    case loaded
    case stop
}

extension InProcessEngine {
    /// Turns prompts into tokens, in the order they came; those that come while the model loads wait for it.
    func runIntake() {
        var waiting: [(request: GenerationRequest, submitted: MonotonicTime)] = []
        while true {
            for message in intake.take(waits: true) {
                switch message {
                case .prepare(let request, let submitted): waiting.append((request, submitted))
                case .compile(let constraint, let handle): compile(constraint, for: handle)
                case .loaded: break
                case .stop:
                    for (request, _) in waiting { pass(.reject(request.handle, .shuttingDown), for: request.handle) }
                    return
                }
                guard let outcome = shared.withLock(\.outcome) else { continue }
                for (request, submitted) in waiting { prepare(request, submitted: submitted, with: outcome) }
                waiting.removeAll()
            }
        }
    }

    private func prepare(
        _ request: GenerationRequest, submitted: MonotonicTime, with outcome: Result<LoadedModel, EngineError>
    ) {
        let (isWanted, isClosed) = shared.withLock { ($0.preparing[request.handle] != nil, $0.isClosed) }
        guard isWanted else { return }
        do throws(EngineError) {
            if isClosed { throw .shuttingDown }
            let prepared = try outcome.get().prepare(request, submitted: submitted)
            pass(.submit(prepared), for: request.handle)
        } catch {
            pass(.reject(request.handle, error), for: request.handle)
        }
    }

    private func compile(_ constraint: GenerationConstraint, for handle: GenerationHandle) {
        // What is wrong with it is said where the order is taken up.
        if case .success(let loaded) = shared.withLock(\.outcome) { _ = try? loaded.constraints.compile(constraint) }
        shared.withLock { shared in
            for order in shared.compiling.removeValue(forKey: handle) ?? [] { mailbox.post(order) }
        }
    }

    /// Hands a request on, unless it was cancelled meanwhile: then its end is on the way already.
    private func pass(_ message: EngineMessage, for handle: GenerationHandle) {
        shared.withLock { shared in
            guard let preparing = shared.preparing.removeValue(forKey: handle) else { return }
            mailbox.post(message)
            for order in preparing.orders { mailbox.post(order) }
        }
    }
}
