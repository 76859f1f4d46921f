package import MartletProtocol
internal import NIOCore
internal import Synchronization

/// Orders to running generations.
extension GenerationRegistry {
    /// A generation that runs, whether or not it can be resumed. Otherwise like `generation(id:of:)`.
    package func liveOrRetained(id: String, of owner: Owner) -> Generation? {
        if let generation = generation(id: id, of: owner) { return generation }
        return state.withLock { state in
            state.live.values.first { live in
                live.generation.spec.head.id == id && live.generation.spec.owner == owner
            }?.generation
        }
    }

    /// The end reason of a plain generation that ended within the last minute.
    /// - Parameter fullID: its id, with or without the prefix of a wire format.
    package func recentEndReason(id: String, named fullID: String, of owner: Owner) -> EndReason? {
        let now = clock()
        return state.withLock { $0.tombstones.end(id: id, named: fullID, of: owner, at: now) }
    }

    /// What the server keeps of a live generation's request, as it was submitted.
    package func forkContext(of generation: Generation) -> (any Sendable)? {
        state.withLock { $0.live[generation.handle]?.forkContext }
    }

    /// What can be changed of a live generation, as it is now.
    package func settings(of generation: Generation) -> AdjustableSettings? {
        state.withLock { $0.live[generation.handle]?.request?.settings }
    }

    /// The order that was given to a generation under this name before.
    package func command(identity: CommandIdentity, to generation: Generation) throws(CommandIdentityError)
        -> SentCommand?
    {
        try generation.command(identity: identity).map { SentCommand(promise: $0) }
    }

    /// Gives an order. Orders to one generation are obeyed in the order in which they were given.
    ///
    /// An order waits as long as events are missing that an earlier process told: its own event comes behind them.
    /// Asking for the status does not.
    /// - Parameter identity: an order that was given to this generation under the same name is not given again; the
    ///   reply is the first one's, also after the generation's end and, where the generation is, in a later process.
    /// - Throws: when the name is another order's.
    package func send(
        _ action: ControlAction, to generation: Generation, identity: CommandIdentity? = nil
    ) throws(CommandIdentityError) -> SentCommand {
        let handle = generation.handle
        var now: (engine: any EngineService, number: CommandNumber)?
        let promise = try state.withLock { state throws(CommandIdentityError) -> CommandPromise? in
            if let identity, let known = try generation.command(identity: identity) { return known }
            guard let live = state.live[handle], live.completion == nil else { return nil }
            let promise = CommandPromise()
            if let identity { try generation.addCommand(promise, identity: identity) }
            state.lastControl += 1
            let record = CommandRecord(
                number: CommandNumber(rawValue: state.lastControl), identity: identity,
                forks: state.ids(ofForks: action))
            live.addCommand(record, promise)
            if action == .status, case .submitted = live.stage, let engine = state.engine {
                now = (engine, record.number)
                return promise
            }
            if action != .status, identity != nil || !record.forks.isEmpty, generation.spec.isResumable {
                state.recorder?.append(.command(record), of: generation, finished: nil)
            }
            live.commands.waiting.append((record.number, action))
            return promise
        }
        guard let promise else { return commandAfterEnd(generation) }
        if let now { now.engine.control(handle, now.number, action) }
        sendCommands(to: handle)
        return SentCommand(promise: promise)
    }

    /// Hands the orders that wait to the engine, in their order, unless something stands against it.
    func sendCommands(to handle: GenerationHandle) {
        while true {
            let batch = state.withLock { state -> (engine: any EngineService, commands: UnresolvedCommands)? in
                guard let engine = state.engine, let live = state.live[handle], case .submitted = live.stage,
                    !live.commands.isSending, !live.commands.waiting.isEmpty, !live.generation.log.isBehind
                else { return nil }
                defer {
                    live.commands.isSending = true
                    live.commands.waiting = []
                }
                return (engine, live.commands)
            }
            guard let batch else { return }
            for command in batch.commands.waiting { batch.engine.control(handle, command.number, command.action) }
            state.withLock { $0.live[handle]?.commands.isSending = false }
        }
    }

    /// The reply to an order to a generation that has ended; behind those to earlier ones.
    private func commandAfterEnd(_ generation: Generation) -> SentCommand {
        let promise = CommandPromise()
        var wakeups = Wakeups()
        // Of several choices it is the first that takes orders.
        let end = state.withLock { $0.live[generation.handle]?.completion.map { LogEvent.finished($0) } }
        generation.log.deliver(.ended(end ?? generation.log.terminalEvent), to: promise, &wakeups)
        wakeups.send()
        return SentCommand(promise: promise)
    }

    /// Why a fork cannot be made.
    package enum ForkError: Error, Sendable, Equatable {
        /// The quota leaves no room.
        case excess(GenerationQuota.Excess)
        case identity(CommandIdentityError)
    }

    /// Makes generations that begin with what this one has.
    /// - Parameter makeSpec: how a new one is known.
    package func fork(
        _ generation: Generation, into changes: [SettingsChange], identity: CommandIdentity? = nil,
        _ makeSpec: () -> GenerationSpec
    ) throws(ForkError) -> SentCommand {
        guard let request = state.withLock({ $0.live[generation.handle]?.request }) else {
            return commandAfterEnd(generation)
        }
        var forks: [ForkedGeneration] = []
        do throws(GenerationQuota.Excess) {
            for change in changes {
                let fork = try prepare(makeSpec())
                forks.append(ForkedGeneration(handle: fork.handle, changes: change))
                registerFork(fork, as: request.forked(as: forks[forks.count - 1]), from: generation)
            }
        } catch {
            discard(forks)
            throw .excess(error)
        }
        let command: SentCommand
        do throws(CommandIdentityError) {
            command = try send(.fork(forks), to: generation, identity: identity)
        } catch {
            discard(forks)
            throw .identity(error)
        }
        command.whenResolved { [self, forks] reply in
            // The first of two orders of one name made others.
            if case .applied(let record, _) = reply, case .forked(let made) = record.command,
                made == forks.map(\.handle)
            {
                return
            }
            discard(forks)
        }
        return command
    }

    /// The engine makes this generation itself.
    private func registerFork(_ fork: Generation, as request: GenerationRequest, from original: Generation) {
        state.withLock { state in
            let source = state.live[original.handle]
            state.live[fork.handle]?.stage = .submitted
            state.live[fork.handle]?.request = request
            state.live[fork.handle]?.forkContext = source?.forkContext
            state.live[fork.handle]?.setParser(source?.initialParser)
            // What the original has told the fork tells again, and no other engine could.
            fork.log.requireDurability()
            if fork.spec.isResumable { state.recorder?.submit(request, of: fork) }
        }
    }

    /// Ends what a fork did not make; what has ended is left alone.
    private func discard(_ forks: [ForkedGeneration]) {
        let error = EngineError(.invalidRequest, "The fork was refused.")
        receive(forks.map { EngineEvent($0.handle, .failed(error)) })
    }
}

extension GenerationRegistry.State {
    /// The ids of the generations that a fork is to make.
    fileprivate func ids(ofForks action: ControlAction) -> [String] {
        guard case .fork(let forks) = action else { return [] }
        return forks.compactMap { live[$0.handle]?.generation.spec.responseID }
    }
}
