import MartletProtocol

extension EngineCore {
    /// Applies a control command. A command to a sequence that has ended is ignored: the terminal event was its reply.
    func apply(_ command: PreparedCommand) {
        switch command.command.action {
        case .stop(let reason): run(StopCommand(reason: reason), command)
        case .pause: run(PauseCommand(), command)
        case .resume: run(ResumeCommand(), command)
        case .set(let change):
            run(SetCommand(change: change, resolved: command.changes.map { $0.first ?? .init() }), command)
        case .status: run(StatusCommand(), command)
        case .endReasoning: run(EndReasoningCommand(message: command.tokens), command)
        case .inject(let injection):
            run(InjectCommand(injection: injection, tokens: command.tokens ?? .success([])), command)
        case .rewind(let target): run(RewindCommand(target: target), command)
        case .fork(let forks): run(ForkCommand(forks: forks, changes: command.changes), command)
        }
    }

    private func run(_ implementation: some EngineCommand, _ command: PreparedCommand) {
        guard let (sequence, location) = find(command.command.handle) else { return }
        let target = CommandTarget(number: command.command.number, sequence: sequence, location: location)
        do throws(ControlRefusal) {
            guard try isReady(type(of: implementation).requirement, target) else { return postpone(command, target) }
            let plan = try implementation.validate(target, in: self)
            try implementation.apply(plan, to: target, in: self)
        } catch {
            output.add(target.handle, .controlled(target.number, .refused(error)))
        }
    }

    /// Whether the sequence has the required state now. If not, the command is deferred.
    private func isReady(
        _ requirement: CommandRequirement, _ target: CommandTarget
    ) throws(ControlRefusal) -> Bool {
        switch requirement {
        case .none: return true
        case .knownTokens: return !target.sequence.isReplaying
        case .begunSequence:
            guard target.sequence.hasBegun else { throw .notStarted }
            // A preempted or continued sequence gets a slot when there is one. The command is applied then.
            if case .queue = target.location { return false }
            return !target.sequence.isReplaying
        }
    }

    /// Defers a command until the sequence has a slot and has sampled the tokens of an earlier run again.
    private func postpone(_ command: PreparedCommand, _ target: CommandTarget) {
        target.sequence.pendingCommands.waiting.append(command)
        // A paused sequence is queued to sample these tokens now. Otherwise the command would wait until the sequence
        // is resumed.
        if case .swappedOut(let index) = target.location {
            requeue(scheduler.paused.remove(at: index))
        }
    }

    /// Applies the commands that were deferred while the sequence had no slot.
    func applyWaitingCommands(_ sequence: EngineSequence) {
        guard !sequence.pendingCommands.waiting.isEmpty else { return }
        let waiting = sequence.pendingCommands.waiting
        sequence.pendingCommands.waiting = []
        for command in waiting { apply(command) }
    }

    /// Emits that a command was applied.
    ///
    /// - Parameter token: the index of the first output token that the command concerns; `nil` = the next one.
    func reportApplied(_ command: AppliedCommand, to target: CommandTarget, token: Int? = nil) {
        let token = token ?? target.sequence.knownCount
        output.add(target.handle, .controlled(target.number, .applied(command, token: token)))
    }
}
