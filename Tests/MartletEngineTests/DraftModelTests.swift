import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

@Suite struct DraftModelTests {
    private static func options(sequences: Int = 2, context: Int = 512) -> Context.Options {
        var options = Context.Options()
        options.sequenceCount = sequences
        options.contextLength = context
        return options
    }

    private static func draftModel(_ options: Context.Options = options()) throws -> (DraftModel, Vocabulary) {
        let model = try Model(path: TestModels.fledgling)
        let vocabulary = try Vocabulary(model: model)
        return (try DraftModel(model, options: options, for: vocabulary), vocabulary)
    }

    private static func tokens(_ text: String, _ vocabulary: Vocabulary) throws -> [Int32] {
        var tokens: [Int32] = []
        let bytes = Array(text.utf8)
        try bytes.withUnsafeBufferPointer { try vocabulary.tokenize($0, trusted: [], into: &tokens) }
        return tokens
    }

    private func request(_ history: [Int32], slot: Int = 0, limit: Int = 6) -> DraftModel.Request {
        .init(slot: slot, history: history, limit: limit, minimumProbability: 0)
    }

    /// The draft of a model for itself is its greedy completion.
    @Test func draftIsTheGreedyContinuation() async throws {
        let (draftModel, vocabulary) = try Self.draftModel()
        let prompt = try Self.tokens("Once upon a time there was a fox.", vocabulary)
        let running = RunningEngine()
        let completion = await running.completion(Prompt(pieces: [.tokens(prompt)], addsBeginning: false)) {
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = 24
        }
        running.engine.shutdown()
        var history = prompt
        for step in 0..<3 {
            let draft = draftModel.draft([request(history)])[0]
            #expect(draft == Array(completion.tokens[(step * 6)..<(step * 6 + 6)]))
            // Two drafted tokens are refused, so the next draft cuts them away.
            history += draft
        }
        let other = Array(history.dropLast(4)) + [300]
        let first = draftModel.draft([request(other)])[0]
        let (fresh, _) = try Self.draftModel()
        #expect(fresh.draft([request(other)])[0] == first)
    }

    @Test func sequencesDraftTogetherAsAlone() throws {
        let (together, vocabulary) = try Self.draftModel()
        let (alone, _) = try Self.draftModel()
        let histories = try ["The river runs", "Count: one two three four"].map {
            try Self.tokens($0, vocabulary)
        }
        let drafts = together.draft([request(histories[0], slot: 0, limit: 3), request(histories[1], slot: 1)])
        #expect(drafts == [alone.draft([request(histories[0], limit: 3)])[0], alone.draft([request(histories[1])])[0]])
        #expect(drafts.map(\.count) == [3, 6])
    }

    /// No call computes more than the limit, and the draft comes when the whole prompt is computed.
    @Test func aLongPromptEntersOverSeveralCalls() throws {
        let (draftModel, _) = try Self.draftModel(Self.options(context: 2_048))
        let history = (0..<700).map { Int32(300 + $0 % 900) }
        var counts: [Int] = []
        var draft: [Int32] = []
        repeat {
            draft = draftModel.draft([request(history)])[0]
            counts.append(draftModel.cachedCount(of: 0))
        } while draft.isEmpty && counts.count < 10
        #expect(counts == [256, 512, 705])
        #expect(draft.count == 6)
    }

    /// Slots of other sequences make room, and a history that is too long has no draft.
    @Test func fullContextEvictsOtherSequences() throws {
        let (draftModel, _) = try Self.draftModel(Self.options(sequences: 2, context: 256))
        let history = (0..<200).map { Int32(300 + $0) }
        #expect(draftModel.draft([request(history)])[0].count == 6)
        #expect(draftModel.draft([request(history, slot: 1)])[0].count == 6)
        #expect(draftModel.cachedCount(of: 0) == 0)
        // Both at once do not fit. Drafts end early then, and the next one is whole again.
        let both = draftModel.draft([request(history), request(history, slot: 1)])
        #expect(both.allSatisfy { $0.count < 6 })
        #expect(draftModel.draft([request(history)])[0].count == 6)
        #expect(draftModel.draft([request((0..<300).map { Int32(300 + $0) })])[0].isEmpty)
    }

    @Test func unlikelyTokensEndADraft() throws {
        let (draftModel, vocabulary) = try Self.draftModel()
        let history = try Self.tokens("Tell me", vocabulary)
        var request = request(history)
        request.minimumProbability = 1
        #expect(draftModel.draft([request])[0].isEmpty)
        request.minimumProbability = 1e-6
        #expect(draftModel.draft([request])[0].count == 6)
    }

    @Test func errorNamesTheDifferenceOfVocabularies() throws {
        let target = try Vocabulary(model: try Model(path: TestModels.fledgling))
        let path = TestModels.random("micro")
        guard TestModels.exists(path) else { return }
        let error = #expect(throws: LlamaError.self) {
            _ = try DraftModel(try Model(path: path), options: Self.options(), for: target)
        }
        let message = try #require(error?.message)
        #expect(message.contains(path) && message.contains("--model-draft") && message.contains("the model"))
    }

    @Test func recurrentModelIsRefused() throws {
        let path = TestModels.random("micro-mamba")
        guard TestModels.exists(path) else { return }
        let model = try Model(path: path)
        let vocabulary = try Vocabulary(model: model)
        let error = #expect(throws: LlamaError.self) {
            _ = try DraftModel(model, options: Self.options(), for: vocabulary)
        }
        #expect(try #require(error?.message).contains("recurrent state"))
    }
}
