import MartletProtocol
import Synchronization

/// An engine without a model: each token follows from those before it, and orders are obeyed between two tokens.
///
/// Nothing happens but in `turn`.
final class TurnEngine: EngineService {
    private struct Answer {
        /// With all that was written.
        var request: GenerationRequest
        var hasBegun = false
        var isCancelled = false
        var orders: [(number: ControlNumber, action: ControlAction)] = []
    }
    private let answers = Mutex<[GenerationHandle: Answer]>([:])
    /// Tokens of an answer.
    private let length: Int

    init(length: Int) { self.length = length }

    /// Generations that go on when they get a turn.
    var running: [GenerationHandle] {
        answers.withLock { $0.keys.sorted { $0.rawValue < $1.rawValue } }
    }

    /// - Parameter progress: how many reports on the prompt a generation gives that begins: chance, as with a real engine.
    func turn(_ handle: GenerationHandle, progress: Int) -> [EngineEvent] {
        answers.withLock { answers in
            guard var answer = answers[handle] else { return [] }
            let kinds = Self.turn(&answer, length: length, progress: progress)
            for kind in kinds { answer.request.take(kind) }
            answers[handle] = kinds.last.isEnd ? nil : answer
            return kinds.map { EngineEvent(handle, $0) }
        }
    }

    private static func turn(_ answer: inout Answer, length: Int, progress: Int) -> [EngineEvent.Kind] {
        let written = answer.request.continuation
        if answer.isCancelled { return [end(.cancelled)] }
        if !answer.hasBegun {
            answer.hasBegun = true
            let reports = written.isEmpty ? progress : 0
            return [.admitted(promptTokens: 3), .started(slot: 0, cachedTokens: 0)]
                + (0..<reports).map {
                    .promptProgress(PromptProgress(total: 9, cached: 0, processed: $0, elapsed: .milliseconds($0)))
                }
        }
        if !answer.orders.isEmpty {
            let order = answer.orders.removeFirst()
            return obey(order.action, order.number, answer.request)
        }
        if answer.request.isPaused { return [] }
        if written.count >= length { return [end(.tokenLimit)] }
        return [token(Self.next(behind: written, seed: answer.request.sampling.seed))]
    }

    private static func obey(
        _ action: ControlAction, _ number: ControlNumber, _ request: GenerationRequest
    ) -> [EngineEvent.Kind] {
        let count = request.continuation.count
        func applied(_ effect: ControlEffect, token: Int) -> EngineEvent.Kind {
            .controlled(number, .applied(effect, token: token))
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

    private static func end(_ reason: Completion.Reason) -> EngineEvent.Kind {
        .finished(Completion(reason: reason, timings: Timings()), text: [])
    }

    private static func next(behind tokens: [Int32], seed: UInt64) -> Int32 {
        var hash = seed &+ 1
        for token in tokens { hash = (hash ^ UInt64(UInt32(bitPattern: token))) &* 0x100_0000_01B3 }
        return Int32((hash >> 20) % 100_000)
    }

    // MARK: EngineService

    var state: EngineState { .ready(ModelInformation()) }

    func submit(_ request: GenerationRequest) {
        answers.withLock { $0[request.handle] = Answer(request: request) }
    }

    func cancel(_ handle: GenerationHandle) {
        answers.withLock { $0[handle]?.isCancelled = true }
    }

    func control(_ handle: GenerationHandle, _ number: ControlNumber, _ action: ControlAction) {
        answers.withLock { $0[handle]?.orders.append((number, action)) }
    }

    private static let unasked = EngineError(.invalidRequest, "nobody asks for that here")
    func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] { throw Self.unasked }
    func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] { throw Self.unasked }
    func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] { throw Self.unasked }
    func status() async throws(EngineError) -> EngineStatus { throw Self.unasked }
}

extension EngineEvent.Kind? {
    fileprivate var isEnd: Bool {
        switch self {
        case .finished, .failed: true
        default: false
        }
    }
}
