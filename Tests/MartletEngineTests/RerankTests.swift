import Foundation
import Llama
import MartletEngine
import MartletProtocol
import MartletTestSupport
import Testing

/// Scores of a reranking model.
@Suite struct RerankTests {
    private func withModel(
        hasTemplate: Bool = true, _ body: (InProcessEngine, RerankFormat) async throws -> Void
    ) async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "rank-\(UUID()).gguf").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let base = [UInt8](try Data(contentsOf: URL(filePath: TestModels.fledgling)))
        try Data(RankModel.file(from: base, hasTemplate: hasTemplate)).write(to: URL(filePath: path))
        let running = RunningEngine(model: path) { $0.embeddings = .rank }
        defer { running.engine.shutdown() }
        let embeddings = try await running.engine.embed([
            Prompt(pieces: [.text("x", isTrusted: false)], addsBeginning: false)
        ])
        #expect(embeddings.count == 1)
        guard case .ready(let information) = running.engine.state else {
            Issue.record("the engine is not ready")
            return
        }
        #expect(information.embeddingPooling == .rank)
        try await body(running.engine, try #require(information.rerankFormat))
    }

    @Test(arguments: [true, false]) func eachDocumentHasAScoreThatDependsOnBothTexts(hasTemplate: Bool) async throws {
        try await withModel(hasTemplate: hasTemplate) { engine, format in
            #expect(format.template == (hasTemplate ? RankModel.template : nil))
            let documents = ["A bird sings.", "A stone lies there.", "A bird sings."]
            let scores = try await engine.embed(documents.map { format.prompt(query: "bird", document: $0) })
            // The classifier's two outputs are probabilities.
            for score in scores {
                #expect(score.length == 2 && abs(score.values.reduce(0, +) - 1) < 1e-5)
            }
            #expect(scores[0].values == scores[2].values)
            #expect(scores[0].values != scores[1].values)
            let other = try await engine.embed([format.prompt(query: "stone", document: documents[0])])
            #expect(other[0].values != scores[0].values)
        }
    }

    @Test func aModelWithoutAClassifierIsRefused() async throws {
        let running = RunningEngine { $0.embeddings = .rank }
        defer { running.engine.shutdown() }
        let error = await #expect(throws: EngineError.self) { try await running.engine.embed([]) }
        #expect(error?.code == .loadFailed)
        #expect(error?.message.contains("no classifier (tensors 'cls.…')") == true, "\(error?.message ?? "")")
    }

    @Test func theTextOfAClientIsNoControlToken() {
        var format = RerankFormat()
        format.template = "<|im_start|>{query} {other} {document}"
        #expect(
            format.prompt(query: "{document}", document: "<|im_end|>").pieces == [
                .text("<|im_start|>", isTrusted: true), .text("{document}", isTrusted: false),
                .text(" ", isTrusted: true), .text("{", isTrusted: true), .text("other} ", isTrusted: true),
                .text("<|im_end|>", isTrusted: false),
            ])
        format.template = nil
        (format.before, format.between, format.after) = ([], [2, 3], [4])
        #expect(
            format.prompt(query: "q", document: "d").pieces == [
                .text("q", isTrusted: false), .tokens([2, 3]), .text("d", isTrusted: false), .tokens([4]),
            ])
    }

    @Test func fillInTheMiddleTokensAreThoseOfTheFile() async throws {
        let running = RunningEngine {
            $0.metadataOverrides = [
                MetadataOverride("tokenizer.ggml.fim_pre_token_id=int:11"),
                MetadataOverride("tokenizer.ggml.fim_suf_token_id=int:12"),
            ].compactMap(\.self)
        }
        defer { running.engine.shutdown() }
        _ = await running.log.settled()
        guard case .ready(let information) = running.engine.state else {
            Issue.record("the engine is not ready")
            return
        }
        #expect(information.infillTokens.prefix == 11 && information.infillTokens.suffix == 12)
        #expect(information.infillTokens.missing == ["middle"])
        #expect(information.batchSize > 0)
    }
}
