import Logging
import MartletProtocol
import Synchronization

extension WorkerEngine {
    func encode(_ frame: EdgeFrame) -> Result<[UInt8], EngineError> {
        var bytes: [UInt8] = []
        do {
            try frame.encode(to: &bytes)
            return .success(bytes)
        } catch {
            return .failure(EngineError(.invalidRequest, "the request is too large: \(error)"))
        }
    }

    /// - Returns: Why it is refused, or `nil`.
    func admit(_ subject: RequestLedger.Subject, _ frame: [UInt8]) -> EngineError? {
        core.withLock { core in
            switch core.machine.admission {
            case .send:
                core.ledger.markSent(subject)
                core.outgoing?.add(frame)
            case .wait: core.ledger.hold(subject, frame: frame)
            case .refuse(let error): return error
            }
            return nil
        }
    }

    func pause(for duration: Duration) async {
        let task = core.withLock { core in
            let task = Task<Void, Never> { try? await Task.sleep(for: duration) }
            if core.isStopping { task.cancel() }
            core.pause = task
            return task
        }
        await task.value
    }

    func runWorker() async -> SupervisorStateMachine.Step {
        let outgoing = OutgoingQueue()
        if case .success(let hello) = encode(.hello(version: FrameFormat.version)) { outgoing.add(hello) }
        let isStopping = core.withLock { core in
            if !core.isStopping { core.outgoing = outgoing }
            return core.isStopping
        }
        if isStopping { return .end }
        let link = WorkerLink(
            outgoing: outgoing,
            received: { [self] frame in receive(frame) },
            logged: { [logger] line in
                let record = WorkerLogLine(line: line)
                logger.log(level: record.level, "\(record.message)")
            })
        // A task of its own: when this one is cancelled, the worker is asked to end and its last events still come.
        let exit = await Task { [launcher] in await launcher.run(link) }.value
        let (step, isStopped) = core.withLock { core in
            core.outgoing = nil
            let loss = core.machine.workerEnded(exit, at: .now)
            settle(loss, &core)
            return (loss.next, core.isStopping)
        }
        if isStopped {
            logger.debug("worker ended", metadata: ["exit": "\(exit)"])
        } else {
            logger.error("worker ended", metadata: ["exit": "\(exit)\(exit.hint)", "next": "\(step)"])
        }
        deliveries.deliver()
        return step
    }

    /// Ends what a lost worker had, and what waited if no other will come.
    func settle(_ loss: SupervisorStateMachine.Loss, _ core: inout Core) {
        var ended = core.ledger.loseSent().map { ($0, loss.error) }
        if case .failed(let error) = loss.state {
            ended += core.ledger.loseHeld().map { ($0, error) }
        }
        var events: [EngineEvent] = []
        for (subject, error) in ended {
            switch subject {
            case .generation(let handle): events.append(EngineEvent(handle, .failed(error)))
            case .query(let number): core.replies.removeValue(forKey: number)?.resume(returning: .failure(error))
            }
        }
        events.sort { $0.handle.rawValue < $1.handle.rawValue }
        core.state = loss.state
        deliveries.add(.state(loss.state))
        if !events.isEmpty { deliveries.add(.events(events)) }
    }

    /// Called by the task that reads the worker's output.
    private func receive(_ frame: WorkerFrame) {
        core.withLock { core in
            switch frame {
            case .hello: break
            case .events(let events):
                let passed = events.filter { event in
                    switch event.kind {
                    case .finished, .failed: return core.ledger.end(.generation(event.handle))
                    case .controlled(_, .applied(.forked(let handles), _)):
                        for handle in handles { core.ledger.markSent(.generation(handle)) }
                        return true
                    default: return true
                    }
                }
                deliveries.add(.events(passed))
            case .state(let state):
                if case .failed = state { core.outgoing?.close() }
                guard let published = core.machine.workerReported(state, at: .now) else { return }
                core.state = published
                deliveries.add(.state(published))
                if case .ready = published {
                    for frame in core.ledger.release() { core.outgoing?.add(frame) }
                }
            case .tokens(let number, _), .bytes(let number, _), .status(let number, _), .failure(let number, _):
                guard core.ledger.end(.query(number)) else { return }
                core.replies.removeValue(forKey: number)?.resume(returning: .success(frame))
            }
        }
        deliveries.deliver()
    }
}
