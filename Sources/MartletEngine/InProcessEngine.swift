import Llama
package import Logging
package import MartletProtocol

/// An engine that runs a model in this process.
///
/// It has two threads. The engine thread loads the model and then decodes. The input processor's thread tokenizes
/// prompts, so that a long prompt delays neither its caller nor running generations.
///
/// The engine lives until `shutdown()`.
package final class InProcessEngine: EngineService {
    let configuration: EngineConfiguration
    let receiver: any EngineEventReceiver
    let logger: Logger
    /// Messages to the engine thread.
    let mailbox = Mailbox<EngineMessage>()
    /// Messages to the input processor's thread.
    let input = Mailbox<InputMessage>()
    let decodeGuard = DecodeGuard()
    /// The present activity of the two threads.
    let engineProgress = ThreadProgress()
    let inputProgress = ThreadProgress()
    let board = StatusBoard()
    let late: LateDelivery
    let shared = Locked(Shared())

    struct Shared {
        var state = EngineState.loading(LoadProgress(stage: .starting, fraction: 0))
        /// Written once, when loading ends.
        var loadResult: Result<OpenedModel, EngineError>?
        var waiters: [CheckedContinuation<Result<OpenedModel, EngineError>, Never>] = []
        /// Requests that are tokenized now, or wait for that.
        var preparing: [GenerationHandle: Preparing] = [:]
        /// Commands that wait behind a command of the same generation which the input processor prepares. The key
        /// exists while there is such a command.
        var waitingCommands: [GenerationHandle: [ControlCommand]] = [:]
        var isClosed = false
        var threads: (engine: EngineThread, input: EngineThread)?
    }

    struct Preparing {
        let submitted: MonotonicTime
        /// Commands that are dispatched behind the request.
        var commands: [ControlCommand] = []
    }

    /// Creates an engine; `start()` loads the model.
    ///
    /// - Parameter receiver: receives all events and changes of state, on the engine thread.
    package init(configuration: EngineConfiguration, receiver: any EngineEventReceiver, logger: Logger) {
        self.configuration = configuration
        self.receiver = receiver
        self.logger = logger
        late = LateDelivery(receiver: receiver)
        board.update { $0.slots = (0..<configuration.sequenceCount).map { SlotStatus(index: $0) } }
    }

    /// Starts both threads and begins to load the model. May be called once.
    package func start() {
        let hasThreads = shared.withLock { shared in
            guard !shared.isClosed, shared.threads == nil,
                let engine = EngineThread({ self.runEngine() }), let input = EngineThread({ self.runInputProcessor() })
            else { return shared.threads != nil || shared.isClosed }
            shared.threads = (engine, input)
            return true
        }
        precondition(hasThreads, "the system cannot create a thread")
    }

    /// Ends every generation with `shuttingDown`, and waits for both threads.
    ///
    /// Thread: any except the engine thread, therefore not from within the receiver.
    package func shutdown() {
        let (threads, waiters) = shared.withLock { shared in
            defer {
                shared.isClosed = true
                shared.threads = nil
                shared.waiters = []
            }
            return (shared.threads, shared.waiters)
        }
        for waiter in waiters { waiter.resume(returning: .failure(.shuttingDown)) }
        guard let threads else {
            // The threads were never started or have ended: no other reader consumes these messages.
            for message in input.receive(waits: false) {
                switch message {
                case .prepare(let request, _): late.add(EngineEvent(request.handle, .failed(.shuttingDown)))
                case .tokenize(let query): query.reply.finish(.failure(.shuttingDown))
                case .command, .loaded, .stop: break
                }
            }
            late.open()
            return
        }
        input.post(.stop)
        threads.input.join()
        mailbox.post(.stop)
        decodeGuard.stop()
        threads.engine.join()
        late.open()
    }

    package var state: EngineState { shared.withLock(\.state) }

    /// See `EngineService.submit(_:)`. Posts the request to the input processor's thread.
    package func submit(_ request: GenerationRequest) {
        let isLate = shared.withLock { shared in
            if shared.isClosed { return true }
            if shared.preparing.count >= configuration.queueLimit + configuration.sequenceCount {
                mailbox.post(.reject(request.handle, .queueFull(limit: configuration.queueLimit)))
            } else {
                let now = MonotonicTime.now
                shared.preparing[request.handle] = Preparing(submitted: now)
                input.post(.prepare(request, submitted: now))
            }
            return false
        }
        if isLate { late.add(EngineEvent(request.handle, .failed(.shuttingDown))) }
    }

    /// See `EngineService.cancel(_:)`. A running prefill of the generation is aborted.
    package func cancel(_ handle: GenerationHandle) {
        let isSubmitted = shared.withLock { shared in
            if shared.isClosed { return false }
            guard let preparing = shared.preparing.removeValue(forKey: handle) else { return true }
            mailbox.post(.cancelled(handle, submitted: preparing.submitted))
            return false
        }
        guard isSubmitted else { return }
        // The order matters: the engine thread removes the handle from the guard when it receives the message.
        decodeGuard.cancel(handle)
        mailbox.post(.cancel(handle))
    }

    /// See `EngineService.unpin(_:)`.
    package func unpin(_ prefix: PinnedPrefixID) { mailbox.post(.unpin(prefix)) }

    /// See `EngineService.control(_:_:_:)`. A command waits for earlier commands of the same generation.
    package func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction) {
        let command = ControlCommand(handle: handle, number: number, action: action)
        shared.withLock { shared in
            if shared.isClosed { return }
            if shared.preparing[handle]?.commands.append(command) != nil { return }
            if shared.waitingCommands[handle]?.append(command) != nil { return }
            dispatch([command], &shared)
        }
    }

    /// Posts commands of one generation to the engine thread, in order, up to a command that the input processor must
    /// prepare. The commands behind it wait: tokenizing a text or compiling a grammar can take long.
    func dispatch(_ commands: [ControlCommand], _ shared: inout Shared) {
        for (index, command) in commands.enumerated() {
            guard command.needsPreparation else {
                mailbox.post(.control(PreparedCommand(command)))
                continue
            }
            shared.waitingCommands[command.handle] = Array(commands[(index + 1)...])
            return input.post(.command(command))
        }
    }

    /// The present activity of the engine thread and of the input processor's thread, in this order.
    package var activities: [ThreadActivity] {
        var engine = engineProgress.activity
        engine.steps &+= decodeGuard.signal.checkCount
        return [engine, inputProgress.activity]
    }

    /// See `EngineService.status()`. Waits until the model is loaded.
    package func status() async throws(EngineError) -> EngineStatus {
        let (preparing, loadResult) = shared.withLock { ($0.preparing.count, $0.loadResult) }
        if case .failure(let error) = loadResult { throw error }
        var status = board.copy
        status.queued += preparing
        return status
    }
}

extension EngineError {
    static let shuttingDown = EngineError(.shuttingDown, "The engine is shutting down.")
}
