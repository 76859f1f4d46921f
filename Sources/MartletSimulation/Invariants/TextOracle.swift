import MartletProtocol
import MartletStreams

/// Compares the tokens of a log with those of an undisturbed run in which each command took effect at the token that
/// its event names.
struct TextOracle {
    private var model: SimulatedModel
    private var tokens: [Int32] = []
    private var seed: UInt64
    private var maximumTokens: Int?
    /// The forced tokens that must follow; nil = the token that the model derives from the text so far.
    private var forced: [Int32?] = []
    private let variant: UInt64
    private var isPaused = false
    private let prompt: String
    /// The tokens that a fork repeats before it continues with its own settings.
    private var prefix: [Int32]

    /// - Parameters:
    ///   - choice: the number of the choice; each has a seed of its own.
    ///   - fork: the request of a fork, with the original's tokens.
    ///   - variant: the number of the model.
    init(_ request: SimulatedRequest, choice: Int, fork: GenerationRequest?, variant: UInt64) {
        prompt = request.prompt
        self.variant = variant
        model = SimulatedModel(prompt: request.prompt, variant: variant)
        seed = fork?.parameters.sampling.seed ?? request.seed &+ UInt64(choice)
        maximumTokens = fork.map(\.parameters.maximumTokens) ?? request.maximumTokens
        prefix = fork?.continuation ?? []
    }

    /// Checks all events of a log. One model must have written all of it.
    /// - Parameters:
    ///   - entries: the events with their numbers.
    ///   - variants: the numbers of all models.
    /// - Returns: a sentence about the first wrong event; nil = all are right.
    static func fault(
        in entries: [(number: Int, event: LogEvent)], of request: SimulatedRequest, fork: GenerationRequest?,
        variants: [UInt64]
    ) -> String? {
        var first: String?
        for variant in variants {
            guard let fault = fault(in: entries, of: request, fork: fork, variant: variant) else { return nil }
            first = first ?? fault
        }
        return first
    }

    private static func fault(
        in entries: [(number: Int, event: LogEvent)], of request: SimulatedRequest, fork: GenerationRequest?,
        variant: UInt64
    ) -> String? {
        var oracles = (0..<request.choices).map { TextOracle(request, choice: $0, fork: fork, variant: variant) }
        for (number, event) in entries {
            let (choice, event) = if case .choice(let choice, let inner) = event { (choice, inner) } else { (0, event) }
            guard oracles.indices.contains(choice) else { return "event \(number) has choice \(choice)" }
            if let fault = oracles[choice].fault(of: event) { return "event \(number), choice \(choice): \(fault)" }
        }
        return nil
    }

    private mutating func fault(of event: LogEvent) -> String? {
        switch event {
        case .text(_, let token?, _), .detailedText(_, let token?, _, _), .arguments(_, let token?, _):
            return fault(ofToken: token)
        case .controlled(let record): return fault(of: record)
        case .finished(let summary) where summary.reason == .endOfGeneration,
            .ended(let summary) where summary.reason == .endOfGeneration:
            return tokens.count >= model.length ? nil : "the output ended after \(tokens.count) tokens"
        default: return nil
        }
    }

    private mutating func fault(ofToken token: Int32) -> String? {
        let expected: Int32
        if tokens.count < prefix.count {
            expected = prefix[tokens.count]
        } else if !forced.isEmpty {
            expected = forced.removeFirst() ?? model.forced
        } else {
            expected = model.next(seed: seed)
            if isPaused { return "token \(token) while the generation is paused" }
        }
        guard token == expected else {
            return "token \(tokens.count) is \(token), but the undisturbed run has \(expected)"
        }
        tokens.append(token)
        model.append(token)
        return nil
    }

    private mutating func fault(of record: LoggedCommand) -> String? {
        if case .rewound = record.command {
            guard record.token <= tokens.count else { return "a rewind to \(record.token) of \(tokens.count) tokens" }
            tokens.removeLast(tokens.count - record.token)
            prefix = []
            forced = []
            model = SimulatedModel(prompt: prompt, variant: variant)
            for token in tokens { model.append(token) }
            return nil
        }
        guard record.token == tokens.count else {
            return "a command names token \(record.token), but \(tokens.count) tokens precede it"
        }
        switch record.command {
        case .changed(let change, let old):
            guard old.sampling.seed == seed else { return "a change names the old seed \(old.sampling.seed)" }
            if change.keys.contains(.seed) { seed = change.values.sampling.seed }
            if change.keys.contains(.maximumTokens) { maximumTokens = change.values.maximumTokens }
        case .injected(_, let count): forced = Array(repeating: nil, count: count)
        case .reasoningEnded: forced = [SimulatedScript.thinkEnd]
        case .paused:
            guard !isPaused else { return "paused twice" }
            isPaused = true
        case .resumed:
            guard isPaused else { return "resumed without a pause" }
            isPaused = false
        default: break
        }
        return nil
    }
}
