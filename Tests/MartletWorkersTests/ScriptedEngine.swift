import MartletProtocol
import Synchronization

/// An engine that answers a prompt with its own text, one token for each byte, and never ends a prompt of "forever".
final class ScriptedEngine: EngineService {
    private let receiver: any EngineEventReceiver
    private let isShutDown = Mutex(false)
    private let queries = AsyncStream.makeStream(of: Void.self)
    private let withdrawals = AsyncStream.makeStream(of: Void.self)

    init(receiver: any EngineEventReceiver) { self.receiver = receiver }

    var wasShutDown: Bool { isShutDown.withLock { $0 } }

    /// Returns when it was asked for the tokens of "forever".
    func waitForQuery() async { for await _ in queries.stream { return } }

    /// Returns when that question was withdrawn.
    func waitForWithdrawal() async { for await _ in withdrawals.stream { return } }

    let state = EngineState.ready(ModelInformation())

    func start() {
        receiver.engineStateChanged(.loading(LoadProgress(stage: .textModel, fraction: 0.5)))
        receiver.engineStateChanged(state)
    }

    func shutdown() { isShutDown.withLock { $0 = true } }

    func submit(_ request: GenerationRequest) {
        let text = Self.text(request.prompt)
        receiver.receive([EngineEvent(request.handle, .admitted(promptTokens: text.utf8.count))])
        for byte in text.utf8 {
            receiver.receive([EngineEvent(request.handle, .token(id: Int32(byte), text: [byte]))])
        }
        if text != "forever" { finish(request.handle, .endOfGeneration) }
    }

    /// Reports every command as applied at once.
    func control(_ handle: GenerationHandle, _ number: CommandNumber, _ action: ControlAction) {
        receiver.receive([EngineEvent(handle, .controlled(number, .applied(.paused, token: 0)))])
    }

    func cancel(_ handle: GenerationHandle) { finish(handle, .cancelled) }

    private func finish(_ handle: GenerationHandle, _ reason: GenerationSummary.Reason) {
        receiver.receive([
            EngineEvent(handle, .finished(GenerationSummary(reason: reason, timings: Timings()), text: []))
        ])
    }

    func tokenize(_ prompt: Prompt) async throws(EngineError) -> [TokenPiece] {
        if Self.text(prompt) == "forever" {
            queries.continuation.yield()
            let (never, continuation) = AsyncStream.makeStream(of: Void.self)
            for await _ in never {}
            continuation.finish()
            withdrawals.continuation.yield()
        }
        return Self.text(prompt).utf8.map { TokenPiece(id: Int32($0), bytes: [$0]) }
    }

    func detokenize(_ tokens: [Int32]) async throws(EngineError) -> [UInt8] {
        var bytes: [UInt8] = []
        for token in tokens {
            guard let byte = UInt8(exactly: token) else {
                throw EngineError(.invalidRequest, "token \(token) is not in the vocabulary")
            }
            bytes.append(byte)
        }
        return bytes
    }

    func embed(_ inputs: [Prompt]) async throws(EngineError) -> [Embedding] {
        inputs.map { input in
            let count = Self.text(input).utf8.count
            return Embedding(tokenCount: count, length: 1, values: [Float(count)])
        }
    }

    func perform(_ action: SlotAction) async throws(EngineError) -> SlotActionResult {
        SlotActionResult(tokenCount: action.slot, byteCount: 7)
    }

    func status() async throws(EngineError) -> EngineStatus {
        var status = EngineStatus()
        status.slots = [SlotStatus(index: 0)]
        return status
    }

    private static func text(_ prompt: Prompt) -> String {
        prompt.pieces.map { if case .text(let text, _) = $0 { text } else { "" } }.joined()
    }
}
