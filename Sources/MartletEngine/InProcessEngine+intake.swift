import DequeModule
import Llama
import MartletProtocol

/// What the thread that tokenizes is told.
enum IntakeMessage: Sendable {
    case prepare(GenerationRequest, submitted: MonotonicTime)
    case tokenize(TokenQuestion)
    /// A grammar that a running generation is to follow.
    case compile(GenerationConstraint, for: GenerationHandle)
    /// Loading has ended, well or not.
    case loaded
    case stop
}

extension InProcessEngine {
    /// Turns prompts into tokens; prompts that come while the model loads wait for it.
    ///
    /// The prompts take turns, a step each, so a short prompt waits for no long one, and a prompt that was withdrawn costs no
    /// further step.
    func runIntake() {
        var jobs: Deque<IntakeJob> = []
        while true {
            let outcome = shared.withLock(\.outcome)
            let canWork = outcome != nil && !jobs.isEmpty
            intakeProgress.note(canWork ? .tokenizing : .idle)
            for message in intake.take(waits: !canWork) {
                switch message {
                case .prepare(let request, let submitted):
                    jobs.append(IntakeJob(.generation(request, submitted: submitted)))
                case .tokenize(let question):
                    let limit = configuration.queueLimit
                    if jobs.count(where: { if case .question = $0.purpose { true } else { false } }) < limit {
                        jobs.append(IntakeJob(.question(question)))
                    } else {
                        question.reply.finish(.failure(.tooManyQuestions(limit: limit)))
                    }
                case .compile(let constraint, let handle): compile(constraint, for: handle)
                case .loaded: break
                case .stop:
                    for job in jobs { refuse(job, .shuttingDown) }
                    return
                }
            }
            guard let outcome = shared.withLock(\.outcome), var job = jobs.popFirst() else { continue }
            if !advance(&job, with: outcome) { jobs.append(job) }
        }
    }

    /// - Returns: Whether the job is over.
    private func advance(_ job: inout IntakeJob, with outcome: Result<LoadedModel, EngineError>) -> Bool {
        guard isWanted(job) else { return true }
        do throws(EngineError) {
            if shared.withLock(\.isClosed) { throw .shuttingDown }
            let loaded = try outcome.get()
            guard let tokens = try job.step(loaded) else { return false }
            switch job.purpose {
            case .generation(let request, let submitted):
                let prepared = try loaded.prepare(request, tokens: tokens.first ?? [], submitted: submitted)
                pass(.submit(prepared), for: request.handle)
            case .question(let question): question.reply.finish(.success(tokens))
            }
        } catch {
            refuse(job, error)
        }
        return true
    }

    private func isWanted(_ job: IntakeJob) -> Bool {
        switch job.purpose {
        case .generation(let request, _): shared.withLock { $0.preparing[request.handle] != nil }
        case .question(let question): question.reply.isAwaited
        }
    }

    private func refuse(_ job: IntakeJob, _ error: EngineError) {
        switch job.purpose {
        case .generation(let request, _): pass(.reject(request.handle, error), for: request.handle)
        case .question(let question): question.reply.finish(.failure(error))
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

extension EngineError {
    fileprivate static func tooManyQuestions(limit: Int) -> Self {
        EngineError(.overloaded, "The queue is full: \(limit) texts wait to be tokenized already (--queue-limit).")
    }
}
