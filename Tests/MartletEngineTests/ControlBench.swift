import Llama
import Logging
import MartletGGUF
import MartletProtocol
import MartletStateFiles
import Testing

@testable import MartletEngine

/// The engine loop without its thread, so that a test can send commands at a chosen token.
final class ControlBench {
    let log = EventLog()
    let mailbox = Mailbox<EngineMessage>()
    let board = StatusBoard()
    let loop: EngineLoop
    let loaded: OpenedModel
    private var lastNumber: UInt64 = 0
    private var lastHandle: UInt64 = 0

    init(
        model path: String = TestModels.fledgling, sequences: Int = 4, context: Int = 1024, usesUnifiedKV: Bool = false,
        entries: Int? = nil, kvStateCacheByteCount: Int = .max,
        speculation: SpeculationConfiguration = SpeculationConfiguration(), diskFolder: String? = nil,
        configure: (inout EngineConfiguration) -> Void = { _ in }
    ) throws {
        LlamaLog.route(to: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let model = try Model(path: path)
        var options = Context.Options()
        options.contextLength = usesUnifiedKV ? context : sequences * context
        options.sequenceCount = entries ?? sequences
        options.outputCount = sequences + BatchShape.chunk
        options.usesUnifiedKV = usesUnifiedKV
        let decodeGuard = DecodeGuard()
        let context = try Context(model: model, options: options, abortSignal: decodeGuard.signal)
        var information = ModelInformation()
        information.sequenceContextLength = context.sequenceContextLength
        loaded = try OpenedModel(model: model, vocabulary: Vocabulary(model: model), information: information)
        var configuration = EngineConfiguration(modelPath: path)
        configuration.sequenceCount = sequences
        configuration.kvStateCacheByteCount = kvStateCacheByteCount
        configuration.speculation = speculation
        configure(&configuration)
        var draftModel: DraftModel?
        if let draft = speculation.draftModel {
            draftModel = try DraftModel(Model(path: draft.path), options: options, for: loaded.vocabulary)
        }
        let kind = MemoryKind(of: model, keepsFullWindow: false)
        let fingerprint = try #require(StateFingerprint(bytes: repeatElement(1, count: 32)))
        let disk = try diskFolder.map { [mailbox] folder in
            try DiskTier(
                DiskCacheSettings(folder: folder), fingerprint: fingerprint, kind: kind, logger: LogLines().logger,
                post: { mailbox.post(.disk($0)) })
        }
        let slotFiles = SlotFiles(fingerprint: { fingerprint }, post: { [mailbox] in mailbox.post($0) })
        loop = EngineLoop(
            loaded: loaded, context: context, usesUnifiedKV: usesUnifiedKV, configuration: configuration,
            mailbox: mailbox, receiver: log, decodeGuard: decodeGuard, board: board, draftModel: draftModel,
            tiers: PrefixTiers(kind: kind, byteLimit: configuration.kvStateCacheByteCount, disk: disk),
            slotFiles: configuration.permitsSlotActions ? slotFiles : nil,
            rowLimit: RowLimit.of(try GGUFFile.headers(path).first.tensors, RowLimit.Setting()))
    }

    static let reasoningRule = ReasoningRule(
        start: "<think>", end: "</think>", closing: "\n</think>\n\n", isOpen: false)

    func newHandle() -> GenerationHandle {
        lastHandle += 1
        return GenerationHandle(rawValue: lastHandle)
    }

    /// Submits a greedy request of at most 120 tokens, unless `change` sets other values.
    func submit(_ message: String, _ change: (inout GenerationRequest) -> Void = { _ in }) throws -> GenerationHandle {
        var request = GenerationRequest(
            handle: newHandle(), prompt: RunningEngine.chat(message), maximumTokens: 120)
        request.parameters.sampling.temperature = 0
        request.reasoning = Self.reasoningRule
        change(&request)
        mailbox.post(.submit(try loaded.prepare(request, submitted: .now)))
        return request.handle
    }

    func completion(_ handle: GenerationHandle) -> EventLog.Completion { log.completionSoFar(handle) }

    /// Runs steps until a generation has `count` tokens or has ended.
    func run(_ handle: GenerationHandle, to count: Int = .max) {
        for _ in 0..<3_000 {
            let completion = completion(handle)
            guard !completion.isEnded, completion.tokens.count < count else { return }
            _ = loop.runStep()
        }
    }

    /// Posts a command without running a step.
    func post(_ action: ControlAction, _ handle: GenerationHandle) -> CommandNumber {
        lastNumber += 1
        let command = ControlCommand(
            handle: handle, number: CommandNumber(rawValue: lastNumber), action: action)
        mailbox.post(.control(loaded.prepare(command)))
        return command.number
    }

    func result(_ number: CommandNumber, _ handle: GenerationHandle) -> ControlResult? {
        log.events(of: handle).lazy.compactMap { $0.result(of: number) }.first
    }

    /// Posts a command, and runs the step that applies it.
    @discardableResult
    func send(_ action: ControlAction, _ handle: GenerationHandle) -> ControlResult? {
        let number = post(action, handle)
        _ = loop.runStep()
        return result(number, handle)
    }

    func tokens(_ text: String) throws -> [Int32] { try loaded.tokenizer.tokens(ofMessage: text) }
}

extension OpenedModel {
    /// Tokenizes the texts of a command, as the input processor does.
    func prepare(_ command: ControlCommand) -> PreparedCommand {
        let tokens = command.text.map { text in
            Result { () throws(EngineError) in try tokenizer.tokens(of: text) }
        }
        return prepare(command, tokens: tokens)
    }
}

extension GenerationRequest {
    /// Samples depend on every bit of the logits.
    mutating func sampleAtRandom(seed: UInt64, temperature: Float = 1.2) {
        parameters.sampling.temperature = temperature
        parameters.sampling.topK = 0
        parameters.sampling.topP = 1
        parameters.sampling.minP = 0
        parameters.sampling.seed = seed
    }
}

extension SettingsChange {
    static func temperature(_ value: Float) -> SettingsChange {
        var change = SettingsChange(keys: [.temperature])
        change.values.sampling.temperature = value
        return change
    }

    static func seed(_ value: UInt64) -> SettingsChange {
        var change = SettingsChange(keys: [.seed])
        change.values.sampling.seed = value
        return change
    }
}
