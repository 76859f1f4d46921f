import Foundation
import MartletJSON
import MartletTestSupport
import OrderedCollections
import SystemPackage
import Testing

/// Reranking and infill of the real binary.
@Suite(.serialized, .timeLimit(.minutes(15))) struct TextTaskServerTests {
    private static let fledgling = MartletProcess.repository.appending("Models/fledgling.Q8_0.gguf").string

    @Test func documentsAreRankedByARerankingModel() async throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "rank-\(UUID()).gguf").path
        defer { try? FileManager.default.removeItem(atPath: path) }
        let base = [UInt8](try Data(contentsOf: URL(filePath: Self.fledgling)))
        try Data(RankModel.file(from: base)).write(to: URL(filePath: path))
        try await Server.run(["--model", path, "--ctx-size", "2048", "--reranking"]) { server in
            let documents: JSONValue = ["A bird sings.", "Stones are heavy.", "A bird sings."]
            let (status, body) = try await server.post(
                "/v1/rerank", ["query": "bird", "documents": documents, "return_documents": true])
            #expect(status == 200)
            let results = try #require(body["results"]?.arrayValue)
            let scores = results.compactMap { $0["relevance_score"]?.doubleValue }
            #expect(scores.count == 3 && scores == scores.sorted(by: >))
            // Equal documents have equal scores, and keep their order.
            let order = results.compactMap { $0["index"]?.integerValue }
            #expect(order.filter { $0 != 1 } == [0, 2] && Set(scores).count == 2)
            #expect(results.allSatisfy { $0["document"]?["text"] != nil })
            let long: JSONValue = .string(String(repeating: "word ", count: 900))
            let refused = try await server.post("/v1/rerank", ["query": "bird", "documents": ["a", long]])
            let message = refused.body["error"]?["message"]?.stringValue ?? ""
            #expect(refused.status == 400 && message.contains("input 1") && message.contains("512"), "\(message)")
            let chat = try await server.post("/completion", ["prompt": "One, two", "n_predict": 3])
            #expect(chat.status == 200)
        }
    }

    @Test func aGapIsFilledByInfillAndBySuffix() async throws {
        let tokens = ["pre": 1, "suf": 2, "mid": 3].map { "tokenizer.ggml.fim_\($0.key)_token_id=int:\($0.value)" }
        let arguments = ["--ctx-size", "2048", "--override-kv", tokens.joined(separator: ","), "--strict-fields"]
        try await Server.run(arguments) { server in
            let fields: JSONObject = ["n_predict": 8, "temperature": 0, "seed": 1]
            let infill = try await server.post(
                "/infill", .object(fields.merging(["input_prefix": "One, ", "input_suffix": ", three"]) { $1 }))
            let suffix = try await server.post(
                "/v1/completions", .object(fields.merging(["prompt": "One, ", "suffix": ", three"]) { $1 }))
            #expect(infill.status == 200 && suffix.status == 200)
            #expect(infill.body["content"] == suffix.body["choices"]?.arrayValue?.first?["text"])
            #expect(infill.body["tokens_evaluated"] == suffix.body["usage"]?["prompt_tokens"])
            let unknown = try await server.post("/completion", ["prompt": "a", "temprature": 1])
            #expect(unknown.status == 400 && unknown.body["error"]?["param"] == "temprature")
        }
        try await Server.run(["--ctx-size", "512"]) { server in
            let refused = try await server.post("/infill", ["input_prefix": "a", "input_suffix": "b"])
            #expect(refused.status == 400)
            #expect(
                refused.body["error"]?["message"]?.stringValue?.contains("no token for prefix, suffix, middle") == true)
        }
    }
}
