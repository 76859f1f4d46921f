import MartletProtocol
import Synchronization

/// An engine without a model: each token is a function of the tokens before it, and commands are applied between two
/// tokens.
///
/// All events come from `step`.
final class SteppingEngine: EngineService {
    private struct Run {
        /// The request with all generated tokens.
        var request: GenerationRequest
        var hasBegun = false
        var isCancelled = false
        var commands: [(number: CommandNumber, action: ControlAction)] = []
    }
    private let runs = Mutex<[GenerationHandle: Run]>([:])
    /// Tokens of a generation.
    private let length: Int

    init(length: Int) { self.length = length }

    /// Generations that a step can continue.
    var running: [GenerationHandle] {
        runs.withLock { $0.keys.sorted { $0.rawValue < $1.rawValue } }
    }

    /// - Parameter progress: the number of progress reports of a beginning prefill, which is random as with a real
    ///   engine.
    func step(_ handle: GenerationHandle, progress: Int) -> [EngineEvent] {
        runs.withLock { runs in
            guard var run = runs[handle] else { return [] }
            let kinds = Self.step(&run, length: length, progress: progress)
            for kind in kinds { run.request.apply(kind) }
            runs[handle] = kinds.last.isEnd ? nil : run
            return kinds.map { EngineEvent(handle, $0) }
        }
    }

    private static func step(_ run: inout Run, length: Int, progress: Int) -> [EngineEvent.Kind] {
        let written = run.request.continuation
        if run.isCancelled { return [end(.cancelled)] }
        if !run.hasBegun {
            run.hasBegun = true
            let reports = written.isEmpty ? progress : 0
            return [.admitted(promptTokens: 3), .started(slot: 0, cachedTokens: 0)]
                + (0..<reports).map {
                    .promptProgress(PromptProgress(total: 9, cached: 0, processed: $0, elapsed: .milliseconds($0)))
                }
        }
        if !run.commands.isEmpty {
            let command = run.commands.removeFirst()
            return apply(command.action, command.number, run.request)
        }
        if run.request.isPaused { return [] }
        if written.count >= length { return [end(.tokenLimit)] }
        return [token(Self.next(behind: written, seed: run.request.parameters.sampling.seed))]
    }

    private static func apply(
        _ action: ControlAction, _ number: CommandNumber, _ request: GenerationRequest
    ) -> [EngineEvent.Kind] {
        let count = request.continuation.count
        func applied(_ command: AppliedCommand, token: Int) -> EngineEvent.Kind {
            .controlled(number, .applied(command, token: token))
        }
        switch action {
        case .pause where request.isPaused: return [.controlled(number, .refused(.alreadyPaused))]
        case .pause: return [applied(.paused, token: count)]
        case .resume where !request.isPaused: return [.controlled(number, .refused(.notPaused))]
        case .resume: return [applied(.resumed, token: count)]
        case .stop(let reason): return [applied(.stopped(reason: reason), token: count), end(.stopped(reason))]
        case .set(let change): return [applied(.changed(change, old: request.settings), token: count)]
        case .rewind(.token(let target)) where target <= count: return [applied(.rewound, token: target)]
        case .inject:
            return [
                applied(.injected(opensTurn: false, tokens: 2), token: count), token(900_000), token(900_001),
            ]
        case .status: return [.controlled(number, .status(GenerationReport()))]
        default: return [.controlled(number, .refused(.textNotFound))]
        }
    }

    private static func token(_ id: Int32) -> EngineEvent.Kind { .token(id: id, text: ArraySlice("w\(id),".utf8)) }

    private static func end(_ reason: GenerationSummary.Reason) -> EngineEvent.Kind {
        .finished(GenerationSummary(reason: reason, timings: Timings()), text: [])
    }

    private static func next(behind tokens: [Int32], seed: UInt64) -> Int32 {
        var hash = seed &+ 1
        for token in tokens { hash = (hash ^ UInt64(UInt32(bitPattern: token))) &* 0x100_0000_01B3 }
        return Int32((hash >> 20) % 100_000)
    }

    // MARK: EngineService

    var state: EngineState { .ready(ModelInformation()) }

    func submit(_ request: GenerationRequest) {
        runs.withLock { $0[request.handle] = Run(request: request) }
    }

    func cancel(_ handle: GenerationHandle) {
        runs.withLock { $0[handle]?.isCancelled = true }
    }

    func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction) {
        runs.withLock { $0[handle]?.commands.append((number, action)) }
    }

    private static let unsupported = EngineError(.invalidRequest, "nobody asks for that here")
    func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] { throw Self.unsupported }
    func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] { throw Self.unsupported }
    func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] { throw Self.unsupported }
    func perform(_ action: SlotAction) async throws(EngineError) -> SlotActionResult { throw Self.unsupported }
    func status() async throws(EngineError) -> EngineStatus { throw Self.unsupported }
}

extension EngineEvent.Kind? {
    fileprivate var isEnd: Bool {
        switch self {
        case .finished, .failed: true
        default: false
        }
    }
}
