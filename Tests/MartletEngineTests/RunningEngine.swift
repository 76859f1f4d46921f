import Logging
import MartletEngine
import MartletProtocol
import Synchronization

/// An engine with the demo model or another one, and its events.
final class RunningEngine: Sendable {
    let log = EventLog()
    let engine: InProcessEngine
    private let nextHandle = Atomic<UInt64>(1)

    init(model: String = TestModels.fledgling, _ configure: (inout EngineConfiguration) -> Void = { _ in }) {
        var configuration = EngineConfiguration(modelPath: model)
        configuration.contextLength = 4096
        configure(&configuration)
        engine = InProcessEngine(
            configuration: configuration, receiver: log,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        engine.start()
    }

    static func chat(_ message: String) -> Prompt {
        Prompt(
            pieces: [
                .text("<|im_start|>user\n", isTrusted: true), .text(message, isTrusted: false),
                .text("<|im_end|>\n<|im_start|>assistant\n", isTrusted: true),
            ], addsBeginning: true)
    }

    /// A greedy request of at most 64 tokens, unless `change` sets other values.
    func request(_ prompt: Prompt, _ change: (inout GenerationRequest) -> Void = { _ in }) -> GenerationRequest {
        let handle = GenerationHandle(rawValue: nextHandle.wrappingAdd(1, ordering: .relaxed).oldValue)
        var request = GenerationRequest(handle: handle, prompt: prompt, maximumTokens: 64)
        request.parameters.sampling.temperature = 0
        change(&request)
        return request
    }

    func submit(_ prompt: Prompt, _ change: (inout GenerationRequest) -> Void = { _ in }) -> GenerationHandle {
        let request = request(prompt, change)
        engine.submit(request)
        return request.handle
    }

    /// Submits a request that runs until it is cancelled: far longer than any test, if the context is `endless`.
    func submitEndless() -> GenerationHandle {
        submit(Self.chat("Tell me a story.")) {
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = nil
        }
    }

    static let endless = 40_000

    func completion(_ prompt: Prompt, _ change: (inout GenerationRequest) -> Void = { _ in }) async
        -> EventLog.Completion
    {
        await log.completion(submit(prompt, change))
    }
}
