package import MartletProtocol
internal import NIOCore
internal import Synchronization

/// Control commands to running generations.
extension GenerationRegistry {
    /// A running generation of any lifetime, or a retained generation. Otherwise like `generation(id:of:)`.
    /// - Complexity: O(running generations) for plain generations.
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

    /// The part of a live generation's request that `submit` received for control commands.
    package func forkContext(of generation: Generation) -> (any ForkContext)? {
        lookUp(generation.handle).live.flatMap { live in live.state.withLock { $0.first.forkContext } }
    }

    /// The current values of a live generation's adjustable settings.
    package func settings(of generation: Generation) -> AdjustableSettings? { request(of: generation)?.settings }

    private func request(of generation: Generation) -> GenerationRequest? {
        lookUp(generation.handle).live.flatMap { live in live.state.withLock { $0.first.request } }
    }

    /// The command that a generation received earlier under this request id.
    /// - Throws: when the request id belongs to a command with other content.
    package func command(identity: CommandIdentity, to generation: Generation) throws(CommandIdentityError)
        -> SentCommand?
    {
        try generation.command(identity: identity).map { SentCommand(promise: $0) }
    }

    /// Sends a command to the engine. The engine applies the commands of one generation in the order of these calls.
    ///
    /// While the log lacks events that an earlier process may have emitted, a command waits: its own event follows
    /// them. A status command changes nothing and does not wait.
    /// - Parameter identity: a repetition of a command with the same request id is not sent again. It gets the first
    ///   reply, also after the end of the generation and in a later process that restores the generation.
    /// - Throws: when the request id belongs to a command with other content.
    package func send(
        _ action: ControlAction, to generation: Generation, identity: CommandIdentity? = nil
    ) throws(CommandIdentityError) -> SentCommand {
        try sendOnce(action, to: generation, identity: identity).command
    }

    /// Sends a command, as `send`.
    /// - Returns: the command, and whether it was sent before: then `action` is ignored.
    private func sendOnce(
        _ action: ControlAction, to generation: Generation, identity: CommandIdentity?
    ) throws(CommandIdentityError) -> (command: SentCommand, isRepetition: Bool) {
        let (live, engine) = lookUp(generation.handle)
        let forks = responseIDs(ofForks: action)
        guard let live else {
            let known = try identity.flatMap { identity throws(CommandIdentityError) in
                try generation.command(identity: identity)
            }
            return (known.map { SentCommand(promise: $0) } ?? commandAfterEnd(generation), known != nil)
        }
        var immediate: CommandNumber?
        var isRepetition = false
        let promise = try live.state.withLock { state throws(CommandIdentityError) -> CommandPromise? in
            if let identity, let known = try generation.command(identity: identity) {
                isRepetition = true
                return known
            }
            let choice = state.first
            guard !state.isOver, choice.lifecycle.completion == nil else { return nil }
            let promise = CommandPromise()
            if let identity { try generation.addCommand(promise, identity: identity) }
            let number = lastCommand.add(1, ordering: .relaxed).newValue
            let record = CommandRecord(number: CommandNumber(rawValue: number), identity: identity, forks: forks)
            choice.addCommand(record, promise)
            if action == .status, choice.lifecycle.isSubmitted, engine != nil {
                immediate = record.number
                return promise
            }
            if action != .status, identity != nil || !record.forks.isEmpty {
                live.recorder?.append(.command(record), of: generation, finished: nil)
            }
            choice.commands.waiting.append((record.number, action))
            return promise
        }
        guard let promise else { return (commandAfterEnd(generation), false) }
        if let immediate { engine?.control(generation.handle, immediate, action) }
        sendCommands(to: live)
        return (SentCommand(promise: promise), isRepetition)
    }

    /// Passes waiting commands to the engine in their order, once the engine has the request and the log lacks no
    /// events of an earlier process. One thread at a time passes the commands of a generation.
    func sendCommands(to live: LiveGeneration) {
        guard let engine = lookUp(live.generation.handle).engine else { return }
        while true {
            let batch = live.state.withLock { state -> [(number: CommandNumber, action: ControlAction)] in
                let choice = state.first
                guard choice.lifecycle.isSubmitted, !choice.commands.isSending, !choice.commands.waiting.isEmpty,
                    !live.generation.log.isBehind
                else { return [] }
                choice.commands.isSending = true
                defer { choice.commands.waiting = [] }
                return choice.commands.waiting
            }
            guard !batch.isEmpty else { return }
            for command in batch { engine.control(live.generation.handle, command.number, command.action) }
            live.state.withLock { $0.first.commands.isSending = false }
        }
    }

    /// The reply to a command to a generation that has ended. It is delivered after the replies to earlier commands.
    private func commandAfterEnd(_ generation: Generation) -> SentCommand {
        let promise = CommandPromise()
        var wakeups = Wakeups()
        // Commands go to the first choice, which may have ended while other choices continue.
        let completion = lookUp(generation.handle).live.flatMap { live in
            live.state.withLock { $0.first.lifecycle.completion }
        }
        let end = completion.map { LogEvent.finished($0) } ?? generation.log.terminalEvent
        generation.log.deliver(.ended(end), to: promise, &wakeups)
        wakeups.send()
        return SentCommand(promise: promise)
    }

    /// The reason why a fork cannot be made.
    package enum ForkError: Error, Sendable, Equatable {
        /// The quota leaves no room.
        case excess(GenerationQuota.Excess)
        case identity(CommandIdentityError)
    }

    /// Makes new generations that continue copies of this generation's output.
    /// - Parameters:
    ///   - changes: the changed settings of each fork; one fork for each element.
    ///   - makeSpec: makes the spec of a fork, with an id of its own.
    /// - Returns: the fork command. When it is refused, the new generations fail.
    package func fork(
        _ generation: Generation, into changes: [SettingsChange], identity: CommandIdentity? = nil,
        _ makeSpec: () -> GenerationSpec
    ) throws(ForkError) -> SentCommand {
        guard let request = request(of: generation) else {
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
        let isRepetition: Bool
        do throws(CommandIdentityError) {
            (command, isRepetition) = try sendOnce(.fork(forks), to: generation, identity: identity)
        } catch {
            discard(forks)
            throw .identity(error)
        }
        guard !isRepetition else {
            // The first occurrence has made other forks. Their handles prove nothing: a reply of an earlier process may
            // name the handles that this process has just given away.
            discard(forks)
            return command
        }
        command.whenResolved { [self, forks] reply in
            if case .applied(let record, _) = reply, case .forked = record.command { return }
            discard(forks)
        }
        return command
    }

    /// Marks a fork as submitted: the engine makes it from the original when it applies the fork command.
    private func registerFork(_ fork: Generation, as request: GenerationRequest, from original: Generation) {
        let source = lookUp(original.handle).live.map { live in
            live.state.withLock { $0.first.inheritance }
        }
        guard let live = lookUp(fork.handle).live else { return }
        live.state.withLock { state in
            guard state.first.lifecycle.beginSubmission() else { return }
            _ = state.first.lifecycle.endSubmission()
            state.first.request = request
            if let source { state.first.inherit(source) }
            // The fork repeats the events of the original, and no other engine can produce them again.
            fork.log.requireDurability()
            live.recorder?.submit(request, parser: state.first.describeParser(), of: fork)
        }
    }

    /// Fails the forks of a refused command. Ended generations do not change.
    private func discard(_ forks: [ForkedGeneration]) {
        let error = EngineError(.invalidRequest, "The fork was refused.")
        receive(forks.map { EngineEvent($0.handle, .failed(error)) })
    }

    /// The ids of the generations that a fork command makes.
    private func responseIDs(ofForks action: ControlAction) -> [String] {
        guard case .fork(let forks) = action else { return [] }
        return state.withLock { state in
            forks.compactMap { state.live[$0.handle]?.generation.spec.responseID }
        }
    }
}
