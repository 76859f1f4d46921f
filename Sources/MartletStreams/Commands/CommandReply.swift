package import MartletProtocol
internal import MartletText
internal import Synchronization

/// What whoever gave an order is told.
package enum CommandReply: Sendable, Equatable {
    /// It has taken effect, and is this event of the log.
    case applied(LoggedCommand, event: Int)
    case refused(ControlRefusal)
    case status(GenerationReport)
    /// The generation had ended, or ended first.
    case ended(LogEvent?)

    init(_ result: ControlResult) {
        switch result {
        case .applied(let command, let token): self = .applied(LoggedCommand(command, token: token), event: 0)
        case .refused(let refusal): self = .refused(refusal)
        case .status(let report): self = .status(report)
        }
    }
}

/// An order that was given: what becomes of it can be waited for.
package struct SentCommand: Sendable {
    let promise: CommandPromise

    init(promise: CommandPromise) { self.promise = promise }

    /// - Parameter body: called once, maybe at once. Must not take long: it may be the engine that waits for it.
    ///   Orders to one generation are replied to in the order in which they took effect.
    package func whenResolved(_ body: @escaping @Sendable (CommandReply) -> Void) { promise.whenResolved(body) }

    /// - Throws: `CancellationError` when the task is cancelled first. The order stands.
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

/// A task that waits for what becomes of an order. Resumed at most once, by whoever comes first.
private final class ReplyWaiter: Sendable {
    private enum State {
        case fresh
        case waiting(CheckedContinuation<CommandReply, any Error>)
        case resumed(Result<CommandReply, any Error>)
    }
    private let state = Mutex(State.fresh)

    /// To be called once.
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

/// An order that was given, for all who wait for what becomes of it. Resolved once.
final class CommandPromise: Sendable {
    private enum State {
        case waiting([@Sendable (CommandReply) -> Void])
        case resolved(CommandReply)
    }
    private let state = Mutex(State.waiting([]))

    /// Calls `body` with the reply: at once, or on the thread that resolves, in the order in which orders are resolved.
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

    /// Whether it was replied to and has not taken effect.
    var hadNoEffect: Bool {
        state.withLock { state in
            switch state {
            case .waiting, .resolved(.applied): false
            case .resolved: true
            }
        }
    }

    func resolve(_ reply: CommandReply) {
        let waiting = state.withLock { state -> [@Sendable (CommandReply) -> Void] in
            guard case .waiting(let waiting) = state else { return [] }
            state = .resolved(reply)
            return waiting
        }
        for body in waiting { body(reply) }
    }
}

/// The orders to one live generation.
struct UnresolvedCommands {
    /// Of those that were not answered.
    var promises: [CommandNumber: CommandPromise] = [:]
    /// The ids of the generations that forks make which were not answered.
    var forks: [CommandNumber: [String]] = [:]
    /// Given, and not handed to the engine yet.
    var waiting: [(number: CommandNumber, action: ControlAction)] = []
    /// Whether somebody hands them to the engine.
    var isSending = false
}
