import Logging
import MartletProtocol
import MartletText
import Synchronization

extension WorkerEngine {
    /// The number of characters of a remembered log line.
    private static let logTailLength = 400

    /// The bytes of a frame. A frame above the size limit is an invalid request.
    func encode(_ frame: EdgeFrame) -> Result<[UInt8], EngineError> {
        var bytes: [UInt8] = []
        do {
            try frame.encode(to: &bytes)
            return .success(bytes)
        } catch {
            return .failure(EngineError(.invalidRequest, "the request is too large: \(error)"))
        }
    }

    /// Sends an item, or queues it until a worker is ready.
    /// - Returns: The error if the item is refused; `nil` if it is admitted.
    func admit(_ item: RequestLedger.Item, _ frame: [UInt8]) -> EngineError? {
        core.withLock { core in
            switch core.machine.admission {
            case .send:
                core.ledger.markSent(item)
                core.outgoing?.add(frame)
            case .wait: core.ledger.enqueue(item)
            case .refuse(let error): return error
            }
            return nil
        }
    }

    /// Waits for a time, or until shutdown.
    func pause(for duration: Duration) async {
        let task = core.withLock { core in
            let task = Task<Void, Never> { [clock] in try? await clock.sleep(duration) }
            if core.isStopping { task.cancel() }
            core.pause = task
            return task
        }
        await task.value
    }

    /// Runs one worker to its end and returns the next action.
    func runWorker() async -> SupervisorStateMachine.Action {
        let outgoing = OutgoingQueue()
        if case .success(let hello) = encode(.hello(version: FrameFormat.version)) { outgoing.add(hello) }
        let link = WorkerLink(
            outgoing: outgoing,
            received: { [self] frame in receive(frame) },
            logged: { [self] line in
                core.withLock { core in
                    core.crashOutput.append(line)
                    if core.logTail.count == Self.logTailCount { core.logTail.removeFirst() }
                    core.logTail.append(line.excerpt(bytes: Self.logTailLength))
                }
                let record = WorkerLogLine(line: line)
                logger.log(level: record.level, "\(record.message)")
            })
        let isStopping = core.withLock { core in
            if core.isStopping { return true }
            // Together, because a shutdown that finds the queue must also find the process that it may have to kill.
            (core.outgoing, core.process) = (outgoing, link.process)
            core.crashOutput = CrashOutput()
            core.hangMonitor.begin(at: clock.now())
            return false
        }
        if isStopping { return .end }
        let monitoring = Task { await monitorWorker() }
        defer { monitoring.cancel() }
        // A task of its own: when this one is cancelled, the worker is asked to end and its last events still come.
        let exit = await Task { [launcher] in await launcher.run(link) }.value
        let (action, isStopped) = core.withLock { core in
            (core.outgoing, core.process, core.partialReplies) = (nil, nil, [:])
            core.hangMonitor.stop()
            let loss = core.machine.workerEnded(exit, crashOutput: core.crashOutput.text, at: clock.now())
            settle(loss, &core)
            return (loss.next, core.isStopping)
        }
        if isStopped {
            logger.debug("worker ended", metadata: ["exit": "\(exit)"])
        } else {
            logger.error("worker ended", metadata: ["exit": "\(exit)\(exit.hint)", "next": "\(action)"])
        }
        deliveries.deliver()
        return action
    }

    /// Pings the worker at intervals, and ends it when it makes no progress.
    private func monitorWorker() async {
        guard let interval = core.withLock({ $0.hangMonitor.interval }) else { return }
        while (try? await clock.sleep(interval)) != nil {
            switch core.withLock({ $0.hangMonitor.tick(at: clock.now()) }) {
            case .nothing: break
            case .ping:
                guard case .success(let frame) = encode(.ping) else { break }
                core.withLock { $0.outgoing?.add(frame) }
            case .end(let what): endHungWorker(what)
            }
        }
    }

    private func endHungWorker(_ what: String) {
        let process = core.withLock { core -> WorkerProcess? in
            guard let state = core.machine.workerHung(what) else { return nil }
            core.state = state
            deliveries.add(.state(state))
            return core.process
        }
        guard let process else { return }
        logger.error("the worker stands still and is ended", metadata: ["reason": "\(what)"])
        deliveries.deliver()
        process.kill()
    }

    private func receivePart(_ bytes: [UInt8], isLast: Bool, of number: QueryNumber, _ core: inout Core) {
        guard core.ledger.isPending(number) else { return }
        do throws(FrameError) {
            try core.partialReplies[number, default: PartialReply()].append(bytes)
        } catch {
            core.partialReplies[number] = nil
            _ = core.ledger.end(number)
            let error = EngineError(.engineLost, "the worker's reply cannot be read: \(error)")
            core.replies.removeValue(forKey: number)?.resume(returning: .failure(error))
            return
        }
        guard isLast, let reply = core.partialReplies.removeValue(forKey: number), core.ledger.end(number) else {
            return
        }
        core.replies.removeValue(forKey: number)?.resume(returning: .success(.parts(reply)))
    }

    /// Ends the items of a loss: generations that lost too many workers, and all waiting items if there is no next
    /// worker.
    func settle(_ loss: SupervisorStateMachine.Loss, _ core: inout Core) {
        let lost = core.ledger.loseWorker()
        var ended: [(RequestLedger.Subject, EngineError)] = lost.queries.map { (.query($0), loss.error) }
        ended += lost.generations.map { (.generation($0), loss.error.afterTooManyLosses) }
        if case .failed(let error) = loss.state {
            ended += core.ledger.removeWaiting().map { ($0, error) }
        }
        var events = lost.cancelled
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
                let now = clock.now()
                let areNew = events.map { core.ledger.apply($0, at: now) }
                // Nearly always all events are new.
                let passed = areNew.contains(false) ? zip(events, areNew).filter(\.1).map(\.0) : events
                if !passed.isEmpty { deliveries.add(.events(passed)) }
                if passed.contains(where: { if case .finished = $0.kind { true } else { false } }) {
                    core.machine.workerServed()
                }
                if core.ledger.hasReleasable { release(&core) }
            case .state(let state):
                if case .failed = state { core.outgoing?.close() }
                guard let published = core.machine.workerReported(state, at: clock.now()) else { return }
                core.state = published
                deliveries.add(.state(published))
                guard case .ready(let model) = published else { break }
                endGenerations(unlessOf: model, &core)
                release(&core)
            case .tokens(let number, _), .bytes(let number, _), .status(let number, _), .failure(let number, _),
                .embeddings(let number, _), .slot(let number, _):
                guard core.ledger.end(number) else { return }
                core.replies.removeValue(forKey: number)?.resume(returning: .success(.whole(frame)))
            case .part(let number, let bytes, let isLast): receivePart(bytes, isLast: isLast, of: number, &core)
            case .pulse(let activities): core.hangMonitor.recordActivity(activities, at: clock.now())
            }
        }
        deliveries.deliver()
    }

    /// Ends the waiting generations if the file of the model has changed between two workers: another model gives their
    /// tokens another meaning, and their prompts and parsers were made for the model before.
    private func endGenerations(unlessOf model: ModelInformation, _ core: inout Core) {
        defer { core.model = model }
        guard let earlier = core.model, !model.hasTokens(of: earlier) else { return }
        let error = EngineError(
            .engineLost, "The worker was started again with another model: \(model.summary)")
        let events = core.ledger.removeWaitingGenerations().map { EngineEvent($0, .failed(error)) }
        if !events.isEmpty { deliveries.add(.events(events)) }
    }

    /// Sends the waiting items that a ready worker may have now, with their control commands.
    private func release(_ core: inout Core) {
        guard case .send = core.machine.admission else { return }
        for item in core.ledger.release() {
            switch item {
            case .query(_, let frame): core.outgoing?.add(frame)
            case .generation(let request):
                switch encode(.submit(request)) {
                case .success(let frame):
                    core.outgoing?.add(frame)
                    for command in core.ledger.commands(to: request.handle) {
                        guard
                            case .success(let frame) = encode(.control(request.handle, command.number, command.action))
                        else { continue }
                        core.outgoing?.add(frame)
                    }
                case .failure(let error):
                    let end = EngineEvent(request.handle, .failed(error))
                    if core.ledger.apply(end, at: clock.now()) { deliveries.add(.events([end])) }
                }
            }
        }
    }
}

extension EngineError {
    /// Of a generation that is not given to another worker.
    fileprivate var afterTooManyLosses: EngineError {
        EngineError(code, "\(message); it was not the first one that was lost with this generation")
    }
}
