/// The seam between whoever serves clients and whoever owns a model's context.
///
/// `InProcessEngine` (the engine itself), `WorkerEngine` (a child process behind two pipes) and `FakeEngine` (tests)
/// implement it, so a server, an app that embeds the engine and a test all speak one language.
///
/// Thread: every method may be called from any thread or task, at any time, also before the model is loaded.
package protocol EngineService: Sendable {
    /// What the engine is doing now. Cheap: reads a copy under a lock.
    var state: EngineState { get }

    /// Hands over a request. Returns at once.
    ///
    /// The receiver that the engine was started with gets this generation's events in order, ending with exactly one
    /// `finished` or `failed`, whatever happens. A request that arrives while the model loads waits for it.
    func submit(_ request: GenerationRequest)

    /// Ends a generation wherever it is: queued, in its prompt, or writing. Its last event is then `finished` with
    /// reason `cancelled`. A handle that is unknown or has ended is ignored.
    func cancel(_ handle: GenerationHandle)

    /// Gives an order to a generation. Returns at once. Orders to one generation are taken up in the order of the
    /// calls.
    ///
    /// Its events get exactly one `controlled` with that number, unless it ends before: its end then answers all orders
    /// that were not answered. An order to a handle that is unknown or has ended is ignored.
    func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction)

    /// The tokens that `prompt` stands for.
    func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece]

    /// The bytes that `tokens` stand for, control tokens included.
    /// - Throws: `invalidRequest` naming the first id that is not in the vocabulary.
    func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8]

    /// What the model makes of each input, in their order.
    func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding]

    /// A snapshot of sequences and counters.
    func status() async throws(EngineError) -> EngineStatus
}

/// Where an engine's events go.
package protocol EngineEventReceiver: Sendable {
    /// Takes what happened in one turn of the engine: usually one token for each running sequence.
    ///
    /// Thread: called by one thread or task at a time, in order. Must not block: the engine waits meanwhile.
    func receive(_ events: [EngineEvent])

    /// The engine changed its state. Called from the same thread or task as `receive(_:)`.
    func engineStateChanged(_ state: EngineState)
}

/// Where an engine stands between start and end.
package enum EngineState: Sendable, Equatable {
    case loading(LoadProgress)
    case ready(ModelInformation)
    /// The engine is lost and will be started again by itself (a worker that died). Requests are accepted and wait.
    case restarting(EngineError)
    /// The engine is lost for good. Requests fail with the error.
    case failed(EngineError)
}

/// How far loading has come.
package struct LoadProgress: Sendable, Equatable {
    package enum Stage: UInt8, Sendable, CaseIterable {
        /// The process or thread starts.
        case starting = 0
        /// The weights are read.
        case textModel = 1
        /// Context and memory are made, and a first decode is run.
        case warmUp = 2
    }
    package var stage: Stage
    /// 0 to 1 within the stage.
    package var fraction: Double

    package init(stage: Stage, fraction: Double) {
        self.stage = stage
        self.fraction = fraction
    }
}
