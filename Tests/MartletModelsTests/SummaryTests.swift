import Foundation
import MartletGGUF
import MartletJSON
import Testing

@testable import MartletModels

@Suite struct SummaryTests {
    private func summary(_ model: SampleModel) throws -> ModelSummary {
        ModelSummary(try GGUFHeader(GGUFBytes(model.bytes)))
    }

    @Test func theFactsComeFromTheHead() throws {
        var model = SampleModel("qwen3", name: "Test")
        model.integer("qwen3.context_length", 40_960)
        model.integer("general.file_type", 15)
        model.texts("tokenizer.ggml.tokens", ["a", "b", "c"])
        model.text("tokenizer.chat_template", "{% if tools %}{% endif %}<think>" + String(repeating: " ", count: 9_000))
        model.tensor("token_embd.weight", 8, 4)
        model.tensor("output.weight", 8, 4)
        let summary = try summary(model)
        #expect(summary.architecture == "qwen3" && summary.displayName == "Test")
        #expect(summary.parameterCount == 64 && summary.byteCount == 256)
        #expect(summary.quantization == "Q4_K_M" && summary.trainedContextLength == 40_960)
        #expect(summary.vocabularySize == 3 && summary.hasChatTemplate)
        #expect(summary.capabilities == [.completion, .tools, .reasoning])
        #expect(ModelSummary(json: .object(summary.json)) == summary)
    }

    @Test func theKindOfAFileIsRecognised() throws {
        var projector = SampleModel("clip")
        projector.bool("clip.has_vision_encoder", true)
        #expect(try summary(projector).kind == .projector)
        #expect(try summary(projector).capabilities == [.vision])
        var adapter = SampleModel("llama")
        adapter.text("general.type", "adapter")
        #expect(try summary(adapter).kind == .adapter)
        #expect(try summary(SampleModel("controlvector")).kind == .controlVector)
        var statistics = SampleModel("llama")
        statistics.text("general.type", "imatrix")
        statistics.tensor("blk.0.attn_q.weight.in_sum2", 8)
        #expect(try summary(statistics).kind == .importanceMatrix)
        var words = SampleModel("qwen3")
        words.texts("tokenizer.ggml.tokens", ["a", "b"])
        #expect(try summary(words).kind == .vocabulary)
        #expect(try summary(words).capabilities.isEmpty)
        #expect(try summary(SampleModel("qwen3")).kind == .empty)
    }

    /// Each kind but a model has a sentence that names it, so that no file is offered as what it is not.
    @Test func everyKindButAModelHasAProblem() throws {
        for kind in ModelSummary.Kind.allCases {
            #expect((kind.problem == nil) == (kind == .model), "\(kind)")
        }
        try SampleModel.withFolder { folder in
            var words = SampleModel("qwen3")
            words.texts("tokenizer.ggml.tokens", ["a"])
            try SampleModel.write(words.bytes, folder + "/words.gguf")
            let problem = try #require(ModelSummary.Kind.vocabulary.problem)
            #expect(throws: GGUFError(problem)) {
                try ModelSummary.check(folder + "/words.gguf")
            }
            words.tensor("token_embd.weight", 8)
            try SampleModel.write(words.bytes, folder + "/model.gguf")
            try ModelSummary.check(folder + "/model.gguf")
        }
    }

    @Test func theCapabilitiesComeFromPoolingAndVocabulary() throws {
        func capabilities(_ architecture: String, _ key: String? = nil, _ value: UInt32 = 1) throws -> [ModelSummary
            .Capability]
        {
            var model = SampleModel(architecture)
            if let key { model.integer(key, value) }
            model.tensor("token_embd.weight", 8)
            return try summary(model).capabilities
        }
        #expect(try capabilities("bert", "bert.pooling_type", 4) == [.rerank])
        #expect(try capabilities("bert") == [.embeddings])
        #expect(try capabilities("llama", "tokenizer.ggml.fim_pre_token_id") == [.completion, .infill])
    }

    @Test(arguments: [
        (752_000_000, "752M"), (7_620_000_000, "7.62B"), (70_600_000_000, "70.6B"), (1_000_000, "1M"), (0, "0M"),
    ]) func parametersHaveThreeDigits(count: UInt64, text: String) {
        let summary = ModelSummary(architecture: "x", parameterCount: count, byteCount: 0, quantization: "F16")
        #expect(summary.parameterText == text)
    }

    @Test func onlyNewAndChangedFilesAreRead() throws {
        try SampleModel.withFolder { folder in
            let path = folder + "/a.gguf"
            try SampleModel.write(SampleModel("one").bytes, path)
            var cache = SummaryCache()
            guard case .summary(let first) = cache.entry([path]) else { return #expect(Bool(false)) }
            #expect(first.architecture == "one" && cache.readCount == 1)
            var read = SummaryCache(json: try JSONParser.parse(cache.json.bytes))
            #expect(read.entry([path]) == .summary(first) && read.readCount == 0)
            try SampleModel.write(SampleModel("another").bytes, path)
            guard case .summary(let second) = read.entry([path]) else { return #expect(Bool(false)) }
            #expect(second.architecture == "another" && read.isChanged)
            try FileManager.default.removeItem(atPath: path)
            #expect(read.entry([path]) == .problem("is not there"))
            #expect(SummaryCache(json: .string("x")).readCount == 0)
        }
    }

    @Test func aBrokenFileIsAProblemWithItsReason() throws {
        try SampleModel.withFolder { folder in
            var model = SampleModel()
            model.tensor("a", 100)
            try SampleModel.write(Array(model.bytes.dropLast()), folder + "/cut.gguf")
            try SampleModel.write(Array("<html>".utf8), folder + "/page.gguf")
            var cache = SummaryCache()
            guard case .problem(let cut) = cache.entry([folder + "/cut.gguf"]) else { return #expect(Bool(false)) }
            #expect(cut.contains("is cut off"))
            #expect(
                cache.entry([folder + "/page.gguf"]) == .problem("is a web page, not a model; the download went wrong"))
        }
    }

    /// docs/models.md has the time.
    @Test func aThousandKnownModelsAreListedWithoutReads() throws {
        try SampleModel.withFolder { folder in
            let bytes = SampleModel().bytes
            for number in 0..<1_000 { try SampleModel.write(bytes, "\(folder)/model-\(number).gguf") }
            var sources = ModelSources()
            sources.folder = folder
            var cache = SummaryCache()
            for model in try sources.registry().models { _ = cache.entry(model.paths) }
            #expect(cache.readCount == 1_000)
            let time = try ContinuousClock().measure {
                let registry = try sources.registry()
                for model in registry.models { _ = cache.entry(model.paths) }
            }
            #expect(cache.readCount == 1_000)
            print("1,000 models listed in \(time)")
        }
    }
}
