import Logging
import MartletConversation
import MartletGenerations
import MartletGrammar
import MartletJSON
import MartletProtocol
import MartletSchema
import MartletStreams
import MartletTestSupport
import NIOCore
import NIOPosix

/// The application core with all of its real parts, and an engine whose events a test makes.
final class Core: Sendable {
    let registry: GenerationRegistry
    let engine: FakeEngine
    let readiness: ModelReadiness
    let service: CompletionService
    let control: ControlService
    let shutdown = ShutdownFlag()
    let handle: ModelHandle
    var adapterScales: AdapterScales { handle.adapterScales }
    let reasoningCounts = ReasoningTokenCounts()
    let eventLoop: any EventLoop = MultiThreadedEventLoopGroup.singleton.any()
    static let owner = Owner.open

    init(
        state: EngineState = .ready(.fake), script: FakeEngine.Script = .admit,
        quota: GenerationQuota = GenerationQuota(), configuration: GenerationConfiguration = GenerationConfiguration()
    ) {
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let readiness = ModelReadiness(configuration: configuration, logger: logger)
        registry = GenerationRegistry(quota: quota) { readiness.engineStateChanged($0) }
        engine = FakeEngine(registry, state: state, script: script)
        registry.connect(to: engine)
        readiness.engineStateChanged(state)
        self.readiness = readiness
        handle = ModelHandle(configuration: configuration, engine: engine, readiness: readiness)
        service = CompletionService(
            configuration: configuration, models: FixedModel(handle), registry: registry, loops: ReaderLoops(),
            shutdown: shutdown, reasoningCounts: reasoningCounts)
        control = ControlService(registry: registry, recovery: RecoveryProgress(requestTimeout: .zero))
    }

    static func options(
        _ parameters: GenerationParameters = GenerationParameters(),
        _ change: (inout CompletionOptions) -> Void = { _ in }
    ) -> CompletionOptions {
        var options = CompletionOptions(
            parameters: parameters, reasoningFormat: .auto, schemaCompiler: SchemaCompiler(mode: .relaxed),
            grammarLimits: .standard)
        options.streams = true
        change(&options)
        return options
    }

    static func text(_ prompts: [String] = ["Hi"], _ options: CompletionOptions = options()) -> CompletionPlan {
        CompletionPlan(
            kind: .text,
            prompts: prompts.map { Prompt(pieces: [.text($0, isTrusted: false)], addsBeginning: true) },
            options: options, body: ["prompt": "Hi"], promptTexts: PromptTexts(prompts), idPrefix: "cmpl-"
        ) { EventView(head: $0) }
    }

    static func chat(_ messages: [ConversationMessage] = [ConversationMessage(.user, "Hi")]) -> CompletionPlan {
        CompletionPlan(
            chat: ChatCompletionRequest(messages: messages, options: options()), body: [:], promptTexts: [],
            idPrefix: "chatcmpl-"
        ) { EventView(head: $0) }
    }

    /// Begins a resumable generation, which is admitted unless the script says otherwise.
    func begin(_ plan: CompletionPlan = text(), label: String? = nil) async throws -> Generation {
        try await service.start(
            plan, GenerationTerms(owner: Self.owner, lifetime: .resumable, label: label), on: eventLoop
        ) { _ in }
    }
}

/// A view with one line for each event.
struct EventView: ResponseView {
    let head: ResponseHead
    var messages: EventView { self }

    func encode(_ event: MartletStreams.LogEvent, number: Int, into bytes: inout [UInt8]) {
        bytes += Array("\(event)\n".utf8)
    }

    func response(for events: [MartletStreams.LogEvent]) throws(GenerationError) -> [UInt8] {
        try ResponseOutput(events).choices[0].content
    }
}
