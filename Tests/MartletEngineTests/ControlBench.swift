import Llama
import Logging
import MartletProtocol

@testable import MartletEngine

/// The engine's loop without its thread: orders reach a generation at the very token that a test chooses.
final class ControlBench {
    let log = EventLog()
    let mailbox = Mailbox<EngineMessage>()
    let board = StatusBoard()
    let loop: EngineLoop
    let loaded: LoadedModel
    private var lastNumber: UInt64 = 0
    private var lastHandle: UInt64 = 0

    init(
        model path: String = TestModels.fledgling, sequences: Int = 4, context: Int = 1024, sharesMemory: Bool = false,
        shelfByteCount: Int = .max
    ) throws {
        LlamaLog.route(to: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        let model = try Model(path: path)
        var options = Context.Options()
        options.contextLength = sharesMemory ? context : sequences * context
        options.sequenceCount = sequences
        options.outputCount = sequences + BatchShape.chunk
        options.sharesMemory = sharesMemory
        let decodeGuard = DecodeGuard()
        let context = try Context(model: model, options: options, abortSignal: decodeGuard.signal)
        var information = ModelInformation()
        information.sequenceContextLength = context.sequenceContextLength
        loaded = try LoadedModel(model: model, vocabulary: Vocabulary(model: model), information: information)
        var configuration = EngineConfiguration(modelPath: path)
        configuration.sequenceCount = sequences
        configuration.shelfByteCount = shelfByteCount
        loop = EngineLoop(
            loaded: loaded, context: context, sharesMemory: sharesMemory, configuration: configuration,
            mailbox: mailbox, receiver: log, decodeGuard: decodeGuard, board: board)
    }

    static let thinking = ReasoningRule(
        start: "<think>", end: "</think>", closing: "\n</think>\n\n", isOpen: false)

    func newHandle() -> GenerationHandle {
        lastHandle += 1
        return GenerationHandle(rawValue: lastHandle)
    }

    /// A greedy request of at most 120 tokens, unless changed.
    func submit(_ message: String, _ change: (inout GenerationRequest) -> Void = { _ in }) throws -> GenerationHandle {
        var request = GenerationRequest(
            handle: newHandle(), prompt: RunningEngine.chat(message), maximumTokens: 120)
        request.sampling.temperature = 0
        request.reasoning = Self.thinking
        change(&request)
        mailbox.post(.submit(try loaded.prepare(request, submitted: .now)))
        return request.handle
    }

    func answer(_ handle: GenerationHandle) -> EventLog.Answer { log.answerSoFar(handle) }

    /// Runs until a generation has so many tokens, or has ended.
    func run(_ handle: GenerationHandle, to count: Int = .max) {
        for _ in 0..<3_000 {
            let answer = answer(handle)
            guard !answer.isEnded, answer.tokens.count < count else { return }
            _ = loop.takeTurn()
        }
    }

    /// Posts an order without giving the engine a turn.
    func post(_ action: ControlAction, _ handle: GenerationHandle) -> ControlNumber {
        lastNumber += 1
        mailbox.post(.control(handle, ControlNumber(rawValue: lastNumber), action))
        return ControlNumber(rawValue: lastNumber)
    }

    func outcome(_ number: ControlNumber, _ handle: GenerationHandle) -> ControlOutcome? {
        log.events(of: handle).lazy.compactMap { $0.outcome(of: number) }.first
    }

    /// Gives an order, and a turn in which the engine takes it up.
    @discardableResult
    func order(_ action: ControlAction, _ handle: GenerationHandle) -> ControlOutcome? {
        let number = post(action, handle)
        _ = loop.takeTurn()
        return outcome(number, handle)
    }

    func tokens(_ text: String) throws -> [Int32] { try loaded.tokenizer.tokens(ofMessage: text) }
}

extension GenerationRequest {
    /// Draws that depend on every bit of the scores.
    mutating func drawAtRandom(seed: UInt64, temperature: Float = 1.2) {
        sampling.temperature = temperature
        sampling.topK = 0
        sampling.topP = 1
        sampling.minP = 0
        sampling.seed = seed
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
