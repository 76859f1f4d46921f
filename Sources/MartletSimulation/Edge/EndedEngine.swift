import MartletProtocol

/// The engine of a process that is gone. It ignores every call.
struct EndedEngine: EngineService {
    private static let ended = EngineError(.shuttingDown, "The process is gone")

    var state: EngineState { .failed(Self.ended) }

    func submit(_ request: GenerationRequest) {}
    func cancel(_ handle: GenerationHandle) {}
    func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction) {}
    func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] { throw Self.ended }
    func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] { throw Self.ended }
    func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] { throw Self.ended }
    func status() async throws(EngineError) -> EngineStatus { throw Self.ended }
}
