import DequeModule
import Llama
import MartletProtocol

/// A message to the input processor's thread.
enum InputMessage: Sendable {
    case prepare(GenerationRequest, submitted: MonotonicTime)
    case tokenize(TokenizationQuery)
    /// Tokenize the texts of a command to a running generation, or compile its grammar.
    case command(ControlCommand)
    /// Loading has completed or failed.
    case loaded
    case stop
}

extension InProcessEngine {
    /// Tokenizes prompts in bounded steps. Prompts that arrive while the model loads wait for it.
    ///
    /// Jobs alternate after each step, so a short prompt does not wait for a long one. A cancelled job takes no further
    /// step. A command to a running generation takes its first step before other jobs, because a client waits for its
    /// effect on the next token.
    ///
    /// Thread: the input processor's thread; returns after `stop`.
    func runInputProcessor() {
        var jobs: Deque<InputJob> = []
        while true {
            let loadResult = shared.withLock(\.loadResult)
            let canWork = loadResult != nil && !jobs.isEmpty
            inputProgress.record(canWork ? .tokenizing : .idle)
            for message in input.receive(waits: !canWork) {
                switch message {
                case .prepare(let request, let submitted):
                    jobs.append(InputJob(.generation(request, submitted: submitted)))
                case .tokenize(let query):
                    let limit = configuration.queueLimit
                    if jobs.count(where: { if case .query = $0.purpose { true } else { false } }) < limit {
                        jobs.append(InputJob(.query(query)))
                    } else {
                        query.reply.finish(.failure(.tooManyQueries(limit: limit)))
                    }
                case .command(let command): jobs.prepend(InputJob(.command(command)))
                // The first request then finds them, and so does a command that switches DRY on.
                case .loaded: _ = try? shared.withLock(\.loadResult)?.get().findDefaultBreakers()
                case .stop:
                    for job in jobs { refuse(job, .shuttingDown) }
                    return
                }
            }
            guard let loadResult = shared.withLock(\.loadResult), var job = jobs.popFirst() else { continue }
            if !advance(&job, with: loadResult) { jobs.append(job) }
        }
    }

    /// Runs one step of a job.
    ///
    /// - Returns: whether the job is complete.
    private func advance(_ job: inout InputJob, with loadResult: Result<OpenedModel, EngineError>) -> Bool {
        guard isWanted(job) else { return true }
        do throws(EngineError) {
            if shared.withLock(\.isClosed) { throw .shuttingDown }
            let loaded = try loadResult.get()
            guard let tokens = try job.step(loaded) else { return false }
            switch job.purpose {
            case .generation(let request, let submitted):
                let prepared = try loaded.prepare(request, tokens: tokens.first ?? [], submitted: submitted)
                forward(.submit(prepared), for: request.handle)
            case .query(let query): query.reply.finish(.success(tokens))
            case .command(let command):
                forward(loaded.prepare(command, tokens: tokens.first.map { .success($0) }))
            }
        } catch {
            refuse(job, error)
        }
        return true
    }

    private func isWanted(_ job: InputJob) -> Bool {
        switch job.purpose {
        case .generation(let request, _): shared.withLock { $0.preparing[request.handle] != nil }
        case .query(let query): query.reply.isAwaited
        case .command: true
        }
    }

    private func refuse(_ job: InputJob, _ error: EngineError) {
        switch job.purpose {
        case .generation(let request, _): forward(.reject(request.handle, error), for: request.handle)
        case .query(let query): query.reply.finish(.failure(error))
        case .command(let command):
            // After the shutdown the terminal event of the generation is the reply.
            if !shared.withLock(\.isClosed) { forward(PreparedCommand(command, failed: error)) }
        }
    }

    /// Posts a command to the engine thread, followed by the commands that waited for it.
    private func forward(_ prepared: PreparedCommand) {
        shared.withLock { shared in
            mailbox.post(.control(prepared))
            let waiting = shared.waitingCommands.removeValue(forKey: prepared.command.handle) ?? []
            dispatch(waiting, &shared)
        }
    }

    /// Posts the message of a prepared request to the engine thread, followed by the commands that arrived meanwhile. A
    /// request that was cancelled meanwhile is ignored: its terminal event has been posted already.
    private func forward(_ message: EngineMessage, for handle: GenerationHandle) {
        shared.withLock { shared in
            guard let preparing = shared.preparing.removeValue(forKey: handle) else { return }
            mailbox.post(message)
            dispatch(preparing.commands, &shared)
        }
    }
}

extension EngineError {
    fileprivate static func tooManyQueries(limit: Int) -> Self {
        EngineError(.overloaded, "The queue is full: \(limit) texts wait to be tokenized already (--queue-limit).")
    }
}
