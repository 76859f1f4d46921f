import Llama
import MartletGrammar
import MartletProtocol
import Testing

@testable import MartletEngine

/// If the logits of a model are not numbers, the error blames the model, whatever the request is.
@Suite struct UnusableLogitTests {
    private static func constraint(_ text: String) throws -> GenerationConstraint {
        GenerationConstraint(try GBNFParser.grammar(text.utf8))
    }

    /// Requests of every kind.
    private static let changes: [(name: String, change: @Sendable (inout GenerationRequest) throws -> Void)] = [
        ("greedy", { _ in }), ("sampled", { $0.parameters.sampling.temperature = 1 }),
        ("mirostat", { ($0.parameters.sampling.temperature, $0.parameters.sampling.mirostat) = (1, .second) }),
        ("grammar", { $0.parameters.constraint = try constraint("root ::= \"a\" | \"b\"") }),
        (
            "grammar and draws",
            { ($0.parameters.sampling.temperature, $0.parameters.constraint) = (1, try constraint("root ::= [a-z]+")) }
        ),
        ("bias", { $0.parameters.sampling.logitBiases = [LogitBias(.token(5), bias: -.infinity)] }),
        (
            "prompt probabilities",
            {
                $0.parameters.probabilities = ProbabilityRequest(count: 5, stage: .beforeSampling)
                $0.parameters.reportsPromptLogprobs = true
            }
        ),
        ("probabilities", { $0.parameters.probabilities = ProbabilityRequest(count: 5, stage: .beforeSampling) }),
    ]

    @Test(arguments: [Float.nan, .infinity], changes.indices)
    func unusableLogitsBlameTheModel(value: Float, index: Int) async throws {
        let model = try DamagedModel(value)
        defer { model.remove() }
        let running = RunningEngine(model: model.path)
        defer { running.engine.shutdown() }
        var request = running.request(RunningEngine.chat("Hello!"))
        try Self.changes[index].change(&request)
        running.engine.submit(request)
        let completion = await running.log.completion(request.handle)
        let name = try #require(model.path.split(separator: "/").last)
        #expect(completion.error?.code == .generationFailed, "\(Self.changes[index].name): \(completion)")
        #expect(
            completion.error?.message
                == "The model \(name) computed no usable number (NaN or infinite): its file may be damaged.")
    }

    @Test func unusableVectorsBlameTheModel() async throws {
        let model = try DamagedModel(.nan)
        defer { model.remove() }
        let running = RunningEngine(model: model.path) { $0.embeddings = .mean }
        defer { running.engine.shutdown() }
        let error = await #expect(throws: EngineError.self) {
            try await running.engine.embed([Prompt(pieces: [.text("a", isTrusted: true)], addsBeginning: true)])
        }
        #expect(error?.code == .generationFailed)
        #expect(error?.message.contains("computed no usable number") == true)
    }

    /// The tokens that the request allows decide whether the request or the model is at fault.
    @Test(
        arguments: [
            ([], nil, true), ([0, 1, 2], nil, true), ([0, 1, 2, 3], nil, false), ([], 0b0000, false),
            ([], 0b0100, true),
            ([2], 0b0100, false), ([2], 0b0110, true),
        ] as [([Int32], UInt64?, Bool)])
    func aRequestIsAtFaultIfItLeavesNoToken(banned: [Int32], mask: UInt64?, leavesToken: Bool) {
        let sampler = Sampler(
            SamplingParameters(),
            biases: banned.map { TokenBias(token: $0, bias: -.infinity) } + [TokenBias(token: 3, bias: -5)],
            vocabularySize: 4)
        let words = mask.map { [$0] } ?? []
        words.withUnsafeBufferPointer { words in
            #expect(sampler.leavesToken(of: 4, allowedBy: mask == nil ? nil : words) == leavesToken)
        }
    }
}
