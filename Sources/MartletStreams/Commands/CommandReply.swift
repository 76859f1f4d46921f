package import MartletProtocol
internal import MartletText
internal import Synchronization

/// The reply to a control command.
package enum CommandReply: Sendable, Equatable {
    /// The command took effect, and the log has it as event number `event`.
    case applied(LoggedCommand, event: Int)
    /// The command changed nothing.
    case refused(ControlRefusal)
    /// The result of a status command.
    case status(GenerationReport)
    /// The generation ended before the command took effect. The event is nil after a handover.
    case ended(LogEvent?)

    init(_ result: ControlResult) {
        switch result {
        case .applied(let command, let token): self = .applied(LoggedCommand(command, token: token), event: 0)
        case .refused(let refusal): self = .refused(refusal)
        case .status(let report): self = .status(report)
        }
    }
}

/// A sent command, whose reply a client can wait for.
package struct SentCommand: Sendable {
    let promise: CommandPromise

    init(promise: CommandPromise) { self.promise = promise }

    /// Registers a function for the reply. Replies of one generation come in the order in which its commands took
    /// effect.
    /// - Parameter body: called once, possibly before this method returns. It must not block: the engine's thread may
    ///   call it.
    package func whenResolved(_ body: @escaping @Sendable (CommandReply) -> Void) { promise.whenResolved(body) }

    /// Waits for the reply.
    /// - Throws: `CancellationError` when the task is cancelled first. The command is not withdrawn.
    package func reply() async throws -> CommandReply {
        let waiter = ReplyWaiter()
        promise.whenResolved { waiter.resume(.success($0)) }
        return try await withTaskCancellationHandler {
            try await waiter.value()
        } onCancel: {
            waiter.resume(.failure(CancellationError()))
        }
    }
}

/// A task that waits for the reply to a command. The reply or the task's cancellation resumes it, once.
private final class ReplyWaiter: Sendable {
    private enum State {
        case fresh
        case waiting(CheckedContinuation<CommandReply, any Error>)
        case resumed(Result<CommandReply, any Error>)
    }
    private let state = Mutex(State.fresh)

    /// The reply. To be called once.
    func value() async throws -> CommandReply {
        try await withCheckedThrowingContinuation { continuation in
            let result = state.withLock { state -> Result<CommandReply, any Error>? in
                if case .resumed(let result) = state { return result }
                state = .waiting(continuation)
                return nil
            }
            if let result { continuation.resume(with: result) }
        }
    }

    func resume(_ result: Result<CommandReply, any Error>) {
        let continuation = state.withLock { state -> CheckedContinuation<CommandReply, any Error>? in
            switch state {
            case .resumed: return nil
            case .fresh:
                state = .resumed(result)
                return nil
            case .waiting(let continuation):
                state = .resumed(result)
                return continuation
            }
        }
        continuation?.resume(with: result)
    }
}

/// The future reply to one command, for all clients that wait for it. Resolved once.
final class CommandPromise: Sendable {
    private enum State {
        case waiting([@Sendable (CommandReply) -> Void])
        case resolved(CommandReply)
    }
    private let state = Mutex(State.waiting([]))

    /// Calls `body` with the reply: at once, or later on the thread that resolves the promise.
    func whenResolved(_ body: @escaping @Sendable (CommandReply) -> Void) {
        let reply = state.withLock { state -> CommandReply? in
            switch state {
            case .resolved(let reply): return reply
            case .waiting(let others):
                state = .waiting(others + [body])
                return nil
            }
        }
        if let reply { body(reply) }
    }

    var isResolved: Bool {
        state.withLock { if case .resolved = $0 { true } else { false } }
    }

    /// Whether there is a reply, and it says that the command had no effect.
    var hadNoEffect: Bool {
        state.withLock { state in
            switch state {
            case .waiting, .resolved(.applied): false
            case .resolved: true
            }
        }
    }

    /// Sets the reply and calls the registered functions. A second reply is ignored.
    func resolve(_ reply: CommandReply) {
        let waiting = state.withLock { state -> [@Sendable (CommandReply) -> Void] in
            guard case .waiting(let waiting) = state else { return [] }
            state = .resolved(reply)
            return waiting
        }
        for body in waiting { body(reply) }
    }
}

/// The commands of one running generation that have no reply yet.
struct UnresolvedCommands {
    /// The promise of each command without a reply, sent to the engine or waiting.
    var promises: [CommandNumber: CommandPromise] = [:]
    /// The ids of the generations that the fork commands among them make.
    var forks: [CommandNumber: [String]] = [:]
    /// Commands that the engine has not received yet, in their order.
    var waiting: [(number: CommandNumber, action: ControlAction)] = []
    /// Whether a thread passes commands to the engine at the moment. Only that thread does, so that the order stays.
    var isSending = false
}
