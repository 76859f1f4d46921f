import MartletProtocol
import Synchronization

/// The engine of a model that is loaded and unloaded: forwards every call to the worker that runs.
///
/// Without a worker it refuses requests. The policy admits a request only while a worker runs, so this happens only when
/// the model fails at that moment. Thread: any.
final class SwitchedEngine: EngineService {
    private let target = Mutex<(any EngineService)?>(nil)
    private let receiver: any EngineEventReceiver
    private let modelName: String

    /// Makes an engine without a worker.
    /// - Parameter receiver: receives the failure of a request that no worker gets.
    init(modelName: String, receiver: any EngineEventReceiver) {
        self.modelName = modelName
        self.receiver = receiver
    }

    /// Changes the worker's engine; nil = no worker runs.
    func use(_ engine: (any EngineService)?) { target.withLock { $0 = engine } }

    /// The worker's engine now.
    private var current: (any EngineService)? { target.withLock { $0 } }

    /// The error of a request that no worker gets.
    private var unloaded: EngineError { EngineError(.engineLost, "The model \(modelName) is not loaded") }

    private func running() throws(EngineError) -> any EngineService {
        guard let current else { throw unloaded }
        return current
    }

    var state: EngineState { current?.state ?? .failed(unloaded) }

    /// Forwards the request, or ends it with an error event.
    func submit(_ request: GenerationRequest) {
        if let current { return current.submit(request) }
        let failure = EngineEvent(request.handle, .failed(unloaded))
        // A task, because the caller may hold locks that the receiver needs.
        Task { receiver.receive([failure]) }
    }

    func cancel(_ handle: GenerationHandle) { current?.cancel(handle) }

    func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction) {
        current?.control(handle, number, action)
    }

    func unpin(_ prefix: PinnedPrefixID) { current?.unpin(prefix) }

    func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] { try await running().tokenize(prompt) }

    func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] {
        try await running().detokenize(tokens)
    }

    func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] { try await running().embed(inputs) }

    func perform(_ action: SlotAction) async throws(EngineError) -> SlotActionResult {
        try await running().perform(action)
    }

    func status() async throws(EngineError) -> EngineStatus { try await running().status() }
}
