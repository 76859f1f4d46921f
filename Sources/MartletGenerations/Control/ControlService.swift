package import MartletProtocol
package import MartletStreams
internal import MartletText

/// Sends control commands to running generations, for every kind of caller.
///
/// A caller of a wire format looks up the request id with `sentCommand`, reads the command with the generation's
/// `settings`, and then calls `send`. The registry decides about the request id a second time under its lock, so that
/// two callers cannot both send the command.
///
/// Thread: any.
package struct ControlService: Sendable {
    package let registry: GenerationRegistry
    package let recovery: RecoveryProgress

    /// Makes the service; there is one per server.
    package init(registry: GenerationRegistry, recovery: RecoveryProgress) {
        self.registry = registry
        self.recovery = recovery
    }

    /// Finds a generation of an owner.
    /// - Throws: `notFound` for a name that the owner does not have; `conflict` for a generation that has ended and was
    ///   not retained.
    package func generation(_ target: GenerationTarget, of owner: Owner) throws(GenerationError) -> Generation {
        let generation =
            switch target {
            case .id(let name): try generation(named: name, of: owner)
            case .conversation(let label): registry.generation(labelled: label, of: owner)
            }
        guard let generation else { throw GenerationError(.notFound, "Generation not found or expired") }
        return generation
    }

    /// Finds a generation by its id, with or without the prefix of a wire format.
    private func generation(named name: String, of owner: Owner) throws(GenerationError) -> Generation? {
        let id = name.split { $0 == "-" || $0 == "_" }.last.map { String($0) } ?? ""
        guard let generation = registry.liveOrRetained(id: id, of: owner) else {
            // This lookup is the last one: it finds a generation that ended between the lookups.
            if let end = registry.recentEndReason(id: id, named: name, of: owner) { throw .ended(end) }
            return nil
        }
        let isNamed = name.hasSameBytes(as: id) || name.hasSameBytes(as: generation.spec.responseID)
        return isNamed ? generation : nil
    }

    /// The command that was sent under this request id before; nil if there is none.
    ///
    /// A caller asks before it validates the command: a repetition gets the first reply even if the command would be
    /// refused now.
    package func sentCommand(
        identity: CommandIdentity, to generation: Generation
    ) throws(GenerationError) -> SentCommand? {
        do throws(CommandIdentityError) {
            return try registry.command(identity: identity, to: generation)
        } catch {
            throw GenerationError(error)
        }
    }

    /// The settings that are in force now; the defaults for a generation that the engine does not run.
    package func settings(of generation: Generation) -> AdjustableSettings {
        registry.settings(of: generation) ?? AdjustableSettings()
    }

    /// Sends a command. The engine applies the commands of a generation in the order in which they were sent.
    ///
    /// - Returns: a handle whose reply comes when the command has taken effect or is refused.
    /// - Throws: `GenerationError` for a command that cannot be sent, such as a fork before the model is ready.
    package func send(
        _ request: ControlRequest, identity: CommandIdentity?, to generation: Generation
    ) throws(GenerationError) -> SentCommand {
        let action: ControlAction
        switch request.action {
        case .endReasoning(let message): action = .endReasoning(message: message)
        case .stop(let reason): action = .stop(reason: reason)
        case .pause: action = .pause
        case .resume: action = .resume
        case .set(let change): action = .set(change)
        case .rewind(let target): action = .rewind(target)
        case .status: action = .status
        case .inject(let injection): action = .inject(try self.injection(injection, generation))
        case .fork(let changes): return try fork(generation, into: changes, identity)
        }
        do throws(CommandIdentityError) {
            return try registry.send(action, to: generation, identity: identity)
        } catch {
            throw GenerationError(error)
        }
    }

    private func fork(
        _ generation: Generation, into changes: [SettingsChange], _ identity: CommandIdentity?
    ) throws(GenerationError) -> SentCommand {
        let forkContext = try forkContext(of: generation)
        _ = try (generation.spec.model as? ModelHandle)?.readyModel()
        do throws(GenerationRegistry.ForkError) {
            return try registry.fork(generation, into: changes, identity: identity) { forkContext.makeForkSpec() }
        } catch {
            switch error {
            case .excess(let excess): throw GenerationError(excess)
            case .identity(let error): throw GenerationError(error)
            }
        }
    }

    private func forkContext(of generation: Generation) throws(GenerationError) -> any ForkContext {
        if let forkContext = registry.forkContext(of: generation) { return forkContext }
        if let end = generation.log.terminalEvent { throw .ended(end) }
        // Without a fork context the request was not submitted: it waits for the model.
        throw GenerationError(ControlRefusal.notStarted)
    }

    private func injection(
        _ request: ControlInjection, _ generation: Generation
    ) throws(GenerationError) -> Injection {
        guard let role = request.role else {
            return Injection(
                content: Prompt(pieces: [.text(request.content, isTrusted: false)], addsBeginning: false),
                moment: request.moment, opensTurn: false)
        }
        return Injection(
            content: try forkContext(of: generation).turnPrompt(of: role, content: request.content),
            moment: request.moment, opensTurn: true)
    }
}
