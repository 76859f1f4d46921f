/// The interface between the server side and the side that owns a model's context.
///
/// `InProcessEngine` (the engine itself), `WorkerEngine` (a child process behind two pipes) and `FakeEngine` (tests)
/// implement it. Therefore a server, an app with an embedded engine and a test use the same calls.
///
/// Thread: every method may be called from any thread or task, at any time, also before the model is loaded.
package protocol EngineService: Sendable {
    /// The state of the engine now. Cheap: reads a copy under a lock.
    var state: EngineState { get }

    /// Submits a request. Returns at once.
    ///
    /// The engine's receiver receives the events of this generation in order. The last event is the only `finished` or
    /// `failed`. A request that arrives while the model loads waits for it.
    func submit(_ request: GenerationRequest)

    /// Ends a generation wherever it is: in the queue, in prefill, or decoding. Its last event is then `finished` with
    /// the reason `cancelled`. A handle that is unknown or has ended is ignored.
    func cancel(_ handle: GenerationHandle)

    /// Sends a control command to a generation. Returns at once. The engine applies commands to one generation in the
    /// order of the calls.
    ///
    /// The events contain exactly one `controlled` with this number, unless the generation ends before: its terminal
    /// event then replies to all open commands. A command to a handle that is unknown or has ended is ignored.
    func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction)

    /// Removes the pin of a prefix. Its state stays in the cache like that of any other prompt. An unknown prefix is
    /// ignored. Returns at once.
    func unpin(_ prefix: PinnedPrefixID)

    /// The tokens of `prompt`.
    func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece]

    /// The bytes of `tokens`, including the texts of control tokens.
    ///
    /// - Throws: `invalidRequest` that names the first id outside the vocabulary.
    func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8]

    /// The embedding of each input, in the order of the inputs.
    func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding]

    /// Saves, restores or drops the cached tokens of a slot. Waits until no generation runs in the slot.
    ///
    /// - Throws: `invalidRequest` for a slot that does not exist, and for a file that cannot be written, read or trusted.
    func perform(_ action: SlotAction) async throws(EngineError) -> SlotActionResult

    /// A snapshot of slots and counters.
    func status() async throws(EngineError) -> EngineStatus
}

extension EngineService {
    /// An engine without slots refuses every action.
    package func perform(_ action: SlotAction) async throws(EngineError) -> SlotActionResult {
        throw EngineError(.invalidRequest, "This engine has no slots.")
    }

    /// An engine without pinned prefixes has nothing to do.
    package func unpin(_ prefix: PinnedPrefixID) {}
}

/// Receives the events of an engine.
package protocol EngineEventReceiver: Sendable {
    /// Receives the events of one step: usually one token per running sequence.
    ///
    /// Thread: called by one thread or task at a time, in order. Must not block, because the engine waits for it.
    func receive(_ events: [EngineEvent])

    /// The state of the engine changed. Called by the same thread or task as `receive(_:)`.
    func engineStateChanged(_ state: EngineState)
}

/// The state of an engine between start and end.
package enum EngineState: Sendable, Equatable {
    case loading(LoadProgress)
    case ready(ModelInformation)
    /// The engine is lost and is being restarted (a worker that died). Requests are accepted and wait.
    case restarting(EngineError)
    /// The engine is lost permanently. Requests fail with the error.
    case failed(EngineError)
}

/// The progress of loading.
package struct LoadProgress: Sendable, Equatable {
    /// The stages of loading, in order.
    package enum Stage: UInt8, Sendable, CaseIterable {
        /// The process or thread starts.
        case starting = 0
        /// The weights are read.
        case textModel = 1
        /// The context and the KV cache are made, and a first decode runs.
        case warmUp = 2
    }
    package var stage: Stage
    /// The progress within the stage, 0 to 1.
    package var fraction: Double

    package init(stage: Stage, fraction: Double) {
        self.stage = stage
        self.fraction = fraction
    }
}

extension LoadProgress {
    /// The part of the whole load that is done, 0 to 1: reading the weights counts 95 hundredths, the warm-up 5.
    ///
    /// So the value is within a tenth of the bytes that are read.
    package var composite: Double {
        let fraction = min(max(self.fraction, 0), 1)
        return switch stage {
        case .starting: 0
        case .textModel: 0.95 * fraction
        case .warmUp: 0.95 + 0.05 * fraction
        }
    }
}
