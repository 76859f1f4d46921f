import Llama
package import Logging
package import MartletProtocol

/// A model that runs in this process.
///
/// Two threads of its own: one loads the model and then decodes; the other turns prompts into tokens, so that a long
/// prompt holds up neither who submits it nor who is being answered.
///
/// It lives until `shutdown()`.
package final class InProcessEngine: EngineService {
    let configuration: EngineConfiguration
    let receiver: any EngineEventReceiver
    let logger: Logger
    /// To the thread that decodes.
    let mailbox = Mailbox<EngineMessage>()
    /// To the thread that tokenizes.
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
        /// Set once, when loading ends.
        var loadResult: Result<OpenedModel, EngineError>?
        var waiters: [CheckedContinuation<Result<OpenedModel, EngineError>, Never>] = []
        /// Requests on their way to the engine's thread.
        var preparing: [GenerationHandle: Preparing] = [:]
        /// Commands that wait behind one whose grammar is being compiled.
        var compiling: [GenerationHandle: [EngineMessage]] = [:]
        var isClosed = false
        var threads: (engine: EngineThread, input: EngineThread)?
    }

    struct Preparing {
        let submitted: MonotonicTime
        /// What it is told as soon as the engine's thread knows of it.
        var commands: [EngineMessage] = []
    }

    /// - Parameter receiver: gets all events and changes of state, from the engine's thread.
    package init(configuration: EngineConfiguration, receiver: any EngineEventReceiver, logger: Logger) {
        self.configuration = configuration
        self.receiver = receiver
        self.logger = logger
        late = LateDelivery(receiver: receiver)
        board.update { $0.slots = (0..<configuration.sequenceCount).map { SlotStatus(index: $0) } }
    }

    /// Begins to load the model. Once.
    package func start() {
        let hasThreads = shared.withLock { shared in
            guard !shared.isClosed, shared.threads == nil,
                let engine = EngineThread({ self.runEngine() }), let input = EngineThread({ self.runInputProcessor() })
            else { return shared.threads != nil || shared.isClosed }
            shared.threads = (engine, input)
            return true
        }
        precondition(hasThreads, "the system has no thread to give")
    }

    /// Ends every generation with `shuttingDown`, and waits for both threads.
    ///
    /// Thread: any but the engine's, so not from within the receiver.
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
            // Never started, or closed already: nobody else takes what waits.
            for message in input.receive(waits: false) {
                switch message {
                case .prepare(let request, _): late.add(EngineEvent(request.handle, .failed(.shuttingDown)))
                case .tokenize(let query): query.reply.finish(.failure(.shuttingDown))
                case .compile, .loaded, .stop: break
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

    package func cancel(_ handle: GenerationHandle) {
        let isSubmitted = shared.withLock { shared in
            if shared.isClosed { return false }
            guard let preparing = shared.preparing.removeValue(forKey: handle) else { return true }
            mailbox.post(.cancelled(handle, submitted: preparing.submitted))
            return false
        }
        guard isSubmitted else { return }
        // In this order: the engine's thread forgets the handle again when it reads the message.
        decodeGuard.cancel(handle)
        mailbox.post(.cancel(handle))
    }

    package func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction) {
        let message = EngineMessage.control(handle, number, action)
        shared.withLock { shared in
            if shared.isClosed { return }
            if shared.preparing[handle]?.commands.append(message) != nil { return }
            if shared.compiling[handle]?.append(message) != nil { return }
            guard case .set(let change) = action, let constraint = change.values.constraint,
                change.keys.contains(.constraint)
            else { return mailbox.post(message) }
            // That can take long with a large vocabulary. It is kept then, so the engine's thread finds it.
            shared.compiling[handle] = [message]
            input.post(.compile(constraint, for: handle))
        }
    }

    /// The present activity of the engine's threads: of the decoding thread, then of the tokenizing one.
    package var activities: [ThreadActivity] {
        var engine = engineProgress.activity
        engine.steps &+= decodeGuard.signal.checkCount
        return [engine, inputProgress.activity]
    }

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
