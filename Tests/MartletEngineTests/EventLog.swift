import Llama
import MartletProtocol

/// Records the events of an engine, and lets a test wait for them.
final class EventLog: EngineEventReceiver {
    struct Completion {
        var text = ""
        var tokens: [Int32] = []
        var summary: GenerationSummary?
        var error: EngineError?
        var cachedTokens = 0
        var promptTokens = 0
        var progress: [PromptProgress] = []
        var starts = 0
        var probabilities: [TokenProbabilities] = []
        /// The logprobs of the prompt's tokens, with the reported number of each.
        var promptProbabilities: [(number: Int, TokenProbabilities)] = []
        /// The results of commands, and the number of token events before each.
        var results: [(number: UInt64, result: ControlResult, tokenEvents: Int)] = []
        var isEnded: Bool { summary != nil || error != nil }
    }

    private struct State {
        var events: [GenerationHandle: [EngineEvent]] = [:]
        /// For each generation that has ended, the number of tokens of the other generations at that moment.
        var tokensAtEnd: [GenerationHandle: [GenerationHandle: Int]] = [:]
        var states: [EngineState] = []
        var waiters: [(isMet: (borrowing State) -> Bool, continuation: CheckedContinuation<Void, Never>)] = []
    }
    private let storage = Locked(State())

    func receive(_ events: [EngineEvent]) {
        change { state in
            for event in events {
                state.events[event.handle, default: []].append(event)
                guard event.kind.isTerminal else { continue }
                state.tokensAtEnd[event.handle] = state.events.mapValues { $0.count(where: \.kind.isToken) }
            }
        }
    }

    func engineStateChanged(_ newState: EngineState) {
        change { $0.states.append(newState) }
    }

    private func change(_ body: (inout State) -> Void) {
        let met = storage.withLock { state in
            body(&state)
            let waiters = state.waiters
            state.waiters = waiters.filter { !$0.isMet(state) }
            return waiters.filter { $0.isMet(state) }.map(\.continuation)
        }
        for continuation in met { continuation.resume() }
    }

    private func wait(until isMet: @escaping @Sendable (borrowing State) -> Bool) async {
        await withCheckedContinuation { continuation in
            let isMetNow = storage.withLock { state in
                if isMet(state) { return true }
                state.waiters.append((isMet, continuation))
                return false
            }
            if isMetNow { continuation.resume() }
        }
    }

    var states: [EngineState] { storage.withLock(\.states) }

    func recorded(of handle: GenerationHandle) -> [EngineEvent] { storage.withLock { $0.events[handle] ?? [] } }

    func events(of handle: GenerationHandle) -> [EngineEvent.Kind] { recorded(of: handle).map(\.kind) }

    /// Waits until the model is loaded or has failed to load.
    func settled() async -> EngineState {
        await wait { $0.states.contains(where: \.isSettled) }
        return states.first(where: \.isSettled) ?? .failed(EngineError(.loadFailed, ""))
    }

    /// Waits for the end of a generation.
    func completion(_ handle: GenerationHandle) async -> Completion {
        await wait { $0.events[handle]?.contains(where: \.kind.isTerminal) ?? false }
        return completionSoFar(handle)
    }

    /// Waits until a generation has `count` tokens or has ended.
    func tokens(_ count: Int, of handle: GenerationHandle) async {
        await wait { state in
            let events = state.events[handle] ?? []
            return events.contains(where: \.kind.isTerminal) || events.count(where: \.kind.isToken) >= count
        }
    }

    /// Waits for the result of a command or for the end of the generation.
    func result(_ number: CommandNumber, of handle: GenerationHandle) async -> ControlResult? {
        await wait { state in
            let events = state.events[handle] ?? []
            return events.contains { $0.kind.isTerminal || $0.kind.result(of: number) != nil }
        }
        return events(of: handle).lazy.compactMap { $0.result(of: number) }.first
    }

    /// The number of tokens that one generation had when another ended.
    func tokenCount(of handle: GenerationHandle, atEndOf other: GenerationHandle) -> Int? {
        storage.withLock { $0.tokensAtEnd[other]?[handle] }
    }

    /// Waits until a generation has a slot or has ended.
    func started(_ handle: GenerationHandle) async {
        await wait { ($0.events[handle] ?? []).contains { $0.kind.isStart || $0.kind.isTerminal } }
    }

    func completionSoFar(_ handle: GenerationHandle) -> Completion {
        var completion = Completion()
        var texts: [ArraySlice<UInt8>] = []
        var tokenEvents = 0
        for event in events(of: handle) {
            switch event {
            case .admitted(let count): completion.promptTokens = count
            case .started(_, let cached):
                completion.cachedTokens = cached
                completion.starts += 1
            case .promptProgress(let progress): completion.progress.append(progress)
            case .promptLogprobs: break
            case .token(let id, let bytes):
                completion.tokens.append(id)
                texts.append(bytes)
                tokenEvents += 1
            case .finished(let summary, let bytes):
                completion.summary = summary
                texts.append(bytes)
            case .failed(let error): completion.error = error
            case .controlled(let number, let result):
                completion.results.append((number.rawValue, result, tokenEvents))
                // Removes the tokens that a rewind removes; tokens of an earlier run are not recorded here.
                guard case .applied(.rewound, let token) = result else { continue }
                completion.tokens.removeLast(max(0, completion.tokens.count - token))
                texts.removeLast(max(0, texts.count - token))
            }
        }
        for event in recorded(of: handle) {
            if case .promptLogprobs(let first) = event.kind {
                for (index, token) in event.probabilities.enumerated() {
                    completion.promptProbabilities.append((first + index, token))
                }
            } else {
                completion.probabilities += event.probabilities
            }
        }
        completion.text = String(decoding: texts.joined(), as: UTF8.self)
        return completion
    }
}

extension EngineState {
    fileprivate var isSettled: Bool {
        switch self {
        case .ready, .failed: true
        case .loading, .restarting: false
        }
    }
}

extension EngineEvent.Kind {
    var isTerminal: Bool {
        switch self {
        case .finished, .failed: true
        default: false
        }
    }
    func result(of wanted: CommandNumber) -> ControlResult? {
        if case .controlled(wanted, let result) = self { result } else { nil }
    }

    var isToken: Bool { if case .token = self { true } else { false } }
    var isStart: Bool { if case .started = self { true } else { false } }
}
