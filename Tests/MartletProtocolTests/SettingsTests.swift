import MartletProtocol
import MartletTestSupport
import Testing

/// Changes of settings, and requests that continue behind an event.
@Suite struct SettingsTests {
    private static let keys = AdjustableSettingKey.allCases

    private static func pairs(_ count: Int = 60) -> [(old: AdjustableSettings, new: AdjustableSettings)] {
        var random = SeededGenerator(seed: 31)
        return (0..<count).map { _ in (SampleFrames.request(&random).settings, SampleFrames.request(&random).settings) }
    }

    @Test func aChangeOfAllSettingsIsAReplacement() {
        for (old, new) in Self.pairs() {
            var settings = old
            settings.apply(SettingsChange(keys: Self.keys, values: new))
            #expect(settings == new)
        }
    }

    @Test(arguments: keys) func aChangeOfOneSettingCanBeTakenBack(key: AdjustableSettingKey) {
        var hasChanged = false
        for (old, new) in Self.pairs() + [(AdjustableSettings(), Self.pairs(1)[0].new)] {
            var settings = old
            settings.apply(SettingsChange(keys: [key], values: new))
            hasChanged = hasChanged || settings != old
            // The other settings are those of before.
            var rest = settings
            rest.apply(SettingsChange(keys: Self.keys.filter { $0 != key }, values: new))
            #expect(rest == new)
            settings.apply(SettingsChange(keys: [key], values: old))
            #expect(settings == old)
        }
        #expect(hasChanged, "no sample has another value of \(key)")
    }

    @Test func theOrderOfKeysDoesNotMatter() {
        var random = SeededGenerator(seed: 32)
        for (old, new) in Self.pairs() {
            let keys = Self.keys.filter { _ in Bool.random(using: &random) }
            var (forward, shuffled) = (old, old)
            forward.apply(SettingsChange(keys: keys, values: new))
            for key in keys.shuffled(using: &random) { shuffled.apply(SettingsChange(keys: [key], values: new)) }
            #expect(forward == shuffled)
        }
    }

    @Test func settingsOfARequestAreReadAndWrittenAlike() {
        var random = SeededGenerator(seed: 33)
        for _ in 0..<100 {
            let request = SampleFrames.request(&random)
            var copy = request
            copy.settings = request.settings
            #expect(copy == request)
            let other = SampleFrames.request(&random).settings
            copy.settings = other
            // Without a reasoning rule there is no budget to store.
            var expected = other
            if request.reasoning == nil { expected.reasoningBudget = nil }
            #expect(copy.settings == expected)
        }
    }

    // MARK: Continuations

    private static func request(limit: Int?) -> GenerationRequest {
        GenerationRequest(
            handle: GenerationHandle(rawValue: 1), prompt: Prompt(pieces: [], addsBeginning: false),
            maximumTokens: limit)
    }

    private static let number = CommandNumber(rawValue: 1)

    /// A sequence of events against a list of tokens, each with the injection that it belongs to: the number of the
    /// injection, positive if it opened a turn.
    @Test func aContinuationHasTheTokensThatRemain() {
        var random = SeededGenerator(seed: 34)
        for _ in 0..<300 {
            var request = Self.request(limit: 1_000)
            var tokens: [(id: Int32, injection: Int?)] = []
            var (injections, pending, opensTurn) = (0, 0, false)
            for id in 0..<Int32.random(in: 1...60, using: &random) {
                if pending > 0 {
                    pending -= 1
                    tokens.append((id, opensTurn ? injections : -injections))
                    request.apply(.token(id: id, text: []))
                    continue
                }
                switch Int.random(in: 0..<12, using: &random) {
                case 0:
                    let count = Int.random(in: 0...tokens.count, using: &random)
                    // The engine cuts no turn in two.
                    guard
                        count == 0 || count == tokens.count || tokens[count].injection ?? -1 < 0
                            || tokens[count].injection != tokens[count - 1].injection
                    else { continue }
                    tokens.removeLast(tokens.count - count)
                    request.apply(.controlled(Self.number, .applied(.rewound, token: count)))
                case 1:
                    pending = Int.random(in: 1...4, using: &random)
                    injections += 1
                    opensTurn = Bool.random(using: &random)
                    request.apply(
                        .controlled(
                            Self.number,
                            .applied(.injected(opensTurn: opensTurn, tokens: pending), token: tokens.count)))
                default:
                    tokens.append((id, nil))
                    request.apply(.token(id: id, text: []))
                }
                guard pending == 0 else { continue }
                #expect(request.continuation == tokens.map(\.id))
                let injected = tokens.indices.filter { tokens[$0].injection != nil }
                #expect(request.injections.flatMap { $0.range } == injected)
                let hidden = injected.filter { tokens[$0].injection ?? 0 > 0 }
                #expect(request.injections.filter(\.opensTurn).flatMap { $0.range } == hidden)
                // Injected tokens are not the model's, so they do not count towards its limit.
                #expect(request.parameters.maximumTokens == 1_000 + injected.count)
            }
        }
    }

    @Test func eventsWithoutEffectOnTheRestLeaveTheRequestAlone() {
        var request = Self.request(limit: nil)
        request.continuation = [1, 2]
        let events: [EngineEvent.Kind] = [
            .admitted(promptTokens: 5), .started(slot: 0, cachedTokens: 0), .promptLogprobs(first: 0),
            .controlled(Self.number, .refused(.notPaused)),
            .controlled(Self.number, .applied(.stopped(reason: nil), token: 2)),
            .controlled(Self.number, .applied(.forked([GenerationHandle(rawValue: 9)]), token: 2)),
            .controlled(Self.number, .applied(.reasoningEnded(tokens: 3), token: 2)),
        ]
        for event in events {
            let before = request
            request.apply(event)
            #expect(request == before)
        }
        request.apply(.controlled(Self.number, .applied(.paused, token: 2)))
        #expect(request.isPaused)
        request.apply(.controlled(Self.number, .applied(.resumed, token: 2)))
        #expect(!request.isPaused)
    }

    @Test func aForkHasNoContinuationAndItsOwnSettings() {
        var random = SeededGenerator(seed: 35)
        for _ in 0..<50 {
            let request = SampleFrames.request(&random)
            var changes = SettingsChange(keys: [.seed, .stops])
            changes.values.sampling.seed = random.unsigned()
            changes.values.stops = ["END"]
            let fork = request.forked(
                as: ForkedGeneration(handle: GenerationHandle(rawValue: 77), changes: changes))
            #expect(fork.handle.rawValue == 77)
            #expect(fork.continuation.isEmpty && !fork.isPaused)
            var expected = request.settings
            expected.apply(changes)
            #expect(fork.settings == expected)
            #expect(fork.prompt == request.prompt && fork.adapters == request.adapters)
        }
    }

    // MARK: Texts of queries

    @Test func aBudgetCountsAllPromptsTogether() throws {
        var random = SeededGenerator(seed: 36)
        for _ in 0..<200 {
            let prompts = (0..<Int.random(in: 0...4, using: &random)).map { _ in SampleFrames.prompt(&random) }
            var (bytes, tokens) = (0, 0)
            for prompt in prompts {
                for piece in prompt.pieces {
                    switch piece {
                    case .text(let text, _): bytes += text.utf8.count
                    case .tokens(let ids): tokens += ids.count
                    }
                }
            }
            #expect(throws: Never.self) {
                try TextBudget(byteCount: bytes, tokenCount: tokens).check(prompts, field: "content")
            }
            for budget in [
                TextBudget(byteCount: bytes - 1, tokenCount: .max), TextBudget(byteCount: .max, tokenCount: tokens - 1),
            ] {
                let error = #expect(throws: EngineError.self) { try budget.check(prompts, field: "content") }
                #expect(error?.code == .invalidRequest && error?.parameter == "content")
            }
        }
    }
}
