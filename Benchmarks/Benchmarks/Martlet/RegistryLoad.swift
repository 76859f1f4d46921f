import MartletProtocol
import MartletStreams

/// Sequences that decode at once, as the registry sees them: each call of `receive` is one frame of the engine with one
/// token for each sequence.
final class RegistryLoad {
    private let registry = GenerationRegistry()
    private let frame: [EngineEvent]

    /// - Parameters:
    ///   - sequences: the number of tokens in a frame.
    ///   - parser: the output parser of each generation; nil = all output is content.
    init(sequences: Int, parser: (any OutputParsing)? = nil) throws {
        registry.connect(to: SilentEngine())
        let registry = registry
        let handles = try (0..<sequences).map { _ in
            let spec = GenerationSpec(head: LogHead(created: 1, model: "fledgling"), view: SilentView())
            let generation = try registry.prepare(spec)
            registry.submit(
                GenerationRequest(handle: generation.handle, prompt: Prompt(pieces: [], addsBeginning: true)),
                parser: parser)
            return generation.handle
        }
        registry.receive(handles.map { EngineEvent($0, .admitted(promptTokens: 8)) })
        registry.receive(handles.map { EngineEvent($0, .started(slot: 0, cachedTokens: 0)) })
        frame = handles.map { EngineEvent($0, .token(id: 42, text: Array(" word".utf8)[...])) }
    }

    /// The engine has finished a step.
    func receive() { registry.receive(frame) }
}

/// A parser that finds nothing but content.
struct ContentParser: OutputParsing {
    mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) { emit(.text(.content, bytes)) }
    mutating func finish(emit: (OutputPiece) -> Void) {}
}

/// A view without bytes: the benchmark ends where readers begin.
private struct SilentView: ResponseView {
    var messages: SilentView { self }
    func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {}
    func response(for events: [LogEvent]) -> [UInt8] { [] }
}

/// An engine whose events the benchmark makes itself.
private struct SilentEngine: EngineService {
    var state: EngineState { .ready(ModelInformation()) }
    func submit(_ request: GenerationRequest) {}
    func cancel(_ handle: GenerationHandle) {}
    func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction) {}
    func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] { [] }
    func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] { [] }
    func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] { [] }
    func status() async throws(EngineError) -> EngineStatus { EngineStatus() }
}
