import MartletGenerations
import MartletProtocol
import MartletStreams

/// A client that sends control commands to running generations of its owner. It also repeats commands under their
/// request ids: its own, and those of other clients of its owner.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class ControllingClient: SimulatedClient, @unchecked Sendable {
    private struct Sent {
        var id: String
        var action: ControlRequest.Action
        var identity: CommandIdentity?
        var connection: SimulatedConnection
        /// The process that received the command.
        var process: Int
    }
    /// Commands without a reply.
    private var open: [Sent] = []
    /// The number of commands so far.
    private var count = 0
    /// The number of commands that the client still sends.
    private var rest: Int

    init(number: Int, in world: SimulatedWorld) {
        var random = SimulationRandom(seed: world.plan.seed, part: 4 << 40 + UInt64(number))
        rest = random.number(5...60)
        super.init("controller", number: number, in: world)
    }

    override func act() -> Bool {
        open.removeAll { sent in
            if case .reply(let reply)? = sent.connection.head {
                receive(reply, to: sent)
                return true
            }
            // The client gives up, or the server is gone: the command may or may not take effect.
            if sent.connection.isClosed { return true }
            guard random.chance(1, of: 400) else { return false }
            sent.connection.closeByClient()
            return true
        }
        guard world.hasFaults, rest > 0 else { return !open.isEmpty }
        if open.count < 4 { send() }
        return true
    }

    /// Sends a new command, or an old one again.
    private func send() {
        guard let edge = world.edge, edge.isListening else { return }
        let named = world.truth.namedCommands.filter { $0.owner == owner }.suffix(40)
        if !named.isEmpty, random.chance(1, of: 4) {
            let old = random.element(of: Array(named))
            // A repetition may change its content, which must be refused.
            let other = random.chance(1, of: 8)
            let identity =
                other ? CommandIdentity(requestID: old.identity.requestID, action: "other", digest: 1) : old.identity
            return send(old.action, identity, to: old.id, on: edge)
        }
        let known = world.truth.known(of: owner)
        guard !known.isEmpty else { return }
        rest -= 1
        count += 1
        var id = random.element(of: Array(known.suffix(6)))
        let action = world.awaitsFork && random.chance(1, of: 2) ? forks : self.action
        if case .fork = action, let original = original(among: known) { id = original }
        guard random.chance(2, of: 3) else { return send(action, nil, to: id, on: edge) }
        let identity = CommandIdentity(requestID: "\(name)-\(count)", action: "command", digest: UInt64(count))
        world.truth.namedCommands.append((owner, id, action, identity))
        send(action, identity, to: id, on: edge)
    }

    private func send(
        _ action: ControlRequest.Action, _ identity: CommandIdentity?, to id: String, on edge: SimulatedEdge
    ) {
        guard let connection = connect() else { return }
        if case .fork = action { world.truth.beginFork(of: id) }
        record("sends \(action.simulatedName) \(identity?.requestID ?? "") to \(id.prefix(6))")
        edge.send(action, identity: identity, to: id, of: owner, on: connection)
        open.append(Sent(id: id, action: action, identity: identity, connection: connection, process: edge.number))
    }

    /// A generation to fork: most forks are of generations that run, and of several choices if there are such.
    private func original(among known: [String]) -> String? {
        guard random.chance(4, of: 5), let registry = world.edge?.registry else { return nil }
        let running = known.suffix(20).filter {
            registry.generation(id: $0, of: owner).map { $0.log.terminalEvent == nil } ?? false
        }
        return running.last { world.truth.records[$0]?.request.choices ?? 1 > 1 } ?? running.last
    }

    /// A random command.
    private var action: ControlRequest.Action {
        switch random.below(20) {
        case 0..<4: return .pause
        case 4..<9: return .resume
        case 9..<12:
            var change = SettingsChange(keys: [.seed])
            change.values.sampling.seed = UInt64(random.below(100))
            return .set(change)
        case 12..<14:
            let content = String(repeating: "i", count: random.number(1...3))
            return .inject(ControlInjection(content: content, moment: .now))
        case 14..<16: return .rewind(.token(random.below(40)))
        case 16: return .status
        case 17...18: return forks
        default: return random.chance(1, of: 4) ? .stop(reason: "enough") : .endReasoning(message: nil)
        }
    }

    /// A command that makes one or two forks.
    private var forks: ControlRequest.Action { .fork(Array(repeating: forkChange, count: random.number(1...2))) }

    /// A fork with another seed.
    private var forkChange: SettingsChange {
        var change = SettingsChange(keys: [.seed])
        change.values.sampling.seed = UInt64(random.below(100))
        return change
    }

    // MARK: Replies

    /// Compares a reply with what is known.
    private func receive(_ reply: SimulatedConnection.Reply, to sent: Sent) {
        switch reply {
        case .command(let reply):
            record("gets a reply of \(sent.id.prefix(6)): \(reply.simulatedName)")
            checkRepetition(reply, to: sent)
            guard case .applied(let record, let event) = reply else { return }
            addForks(of: record, by: sent)
            world.truth.update(sent.id) { known in
                if let other = known.commands[event], other != record.command, !known.mayLack {
                    world.fail(.command, "\(name): event \(event) of \(sent.id.prefix(6)) is two commands")
                }
                known.commands[event] = record.command
            }
        case .error(let error):
            record("gets an error: \(error.message)")
            if error.kind == .notFound { SimulationChecks.missing(sent.id, isByLabel: false, to: name, in: world) }
        default: break
        }
    }

    /// A command that took effect has one reply for ever.
    private func checkRepetition(_ reply: CommandReply, to sent: Sent) {
        guard let identity = sent.identity, identity.action == "command" else { return }
        world.truth.update(sent.id) { known in
            if case .applied = known.replies[identity.requestID] {
                world.reach(identity.requestID.hasPrefix("\(name)-") ? .repetition : .foreignRepetition)
            }
            guard case .applied = known.replies[identity.requestID] else {
                known.replies[identity.requestID] = reply
                known.replyProcesses[identity.requestID] = sent.process
                return
            }
            // A client may receive an earlier process's refusal late: the repetition took effect in a later process.
            var isLate = false
            if case .applied = reply {} else { isLate = sent.process < known.replyProcesses[identity.requestID] ?? 0 }
            if known.replies[identity.requestID] != reply, !isLate, !known.mayLack {
                world.fail(
                    .repetition,
                    "\(name): \(identity.requestID) got \(known.replies[identity.requestID]?.simulatedName ?? ""), "
                        + "and its repetition \(reply.simulatedName)")
            }
        }
    }

    /// Remembers the generations that a fork made.
    private func addForks(of record: LoggedCommand, by sent: Sent) {
        guard case .forked(let handles) = record.command else { return }
        if world.truth.records[sent.id]?.request.choices ?? 1 > 1 { world.reach(.forkOfChoices) }
        for (handle, name) in zip(handles, record.forks) {
            let id = name.split(separator: "-").last.map { String($0) } ?? name
            self.record("learns of the fork \(id.prefix(6))")
            // The first reply to a repeated command may be that of an earlier process, in which the handle was another's.
            guard world.edge?.registry.generation(id: id, of: owner)?.handle == handle else { continue }
            world.truth.addFork(id: id, handle: handle, of: sent.id)
        }
    }
}

extension ControlRequest.Action {
    /// The kind of the command, for stories.
    var simulatedName: String {
        switch self {
        case .endReasoning: "end_reasoning"
        case .stop: "stop"
        case .pause: "pause"
        case .resume: "resume"
        case .set(let change): "set seed \(change.values.sampling.seed)"
        case .inject: "inject"
        case .rewind(.token(let token)): "rewind to \(token)"
        case .rewind(.text): "rewind to a text"
        case .fork(let changes): "fork into \(changes.count)"
        case .status: "status"
        }
    }
}

extension CommandReply {
    /// The reply in a few words, for stories.
    var simulatedName: String {
        switch self {
        case .applied(let record, let event): "\(record.command.simulatedName) at token \(record.token), event \(event)"
        case .refused(let refusal): "refused (\(refusal))"
        case .status: "a report"
        case .ended: "ended before"
        }
    }
}
