import MartletAPI
import MartletJSON
import MartletModels
import MartletPool
import Testing

/// The lines of a pull, and the lists of models that were never loaded.
@Suite struct OllamaPullTests {
    private static let name = "org/name:Q8_0"

    private func state(_ done: UInt64, of total: UInt64) -> DownloadState {
        DownloadState(files: [
            DownloadState.File(address: "model.gguf", doneByteCount: done, totalByteCount: total)
        ])
    }

    @Test func progressHasTheMembersOfOllama() {
        var pull = OllamaPull(names: [Self.name])
        #expect(pull.repetition() == ["status": "pulling manifest"])
        #expect(
            pull.lines(for: .download(model: Self.name, state(0, of: 9))) == [
                ["status": "pulling org/name:Q8_0", "digest": "org/name:Q8_0", "total": 9]
            ])
        let line: JSONValue = [
            "status": "pulling org/name:Q8_0", "digest": "org/name:Q8_0", "total": 9, "completed": 4,
        ]
        #expect(pull.lines(for: .download(model: Self.name, state(4, of: 9))) == [line])
        #expect(pull.repetition() == line)
        #expect(pull.lines(for: .download(model: "other", state(1, of: 2))).isEmpty)
        #expect(pull.lines(for: .downloadEnded(model: "other", problem: nil)).isEmpty && pull.ending == nil)
        #expect(
            pull.lines(for: .downloadEnded(model: Self.name, problem: nil)) == [
                ["status": "verifying sha256 digest"], ["status": "writing manifest"], ["status": "success"],
            ])
        #expect(pull.ending == .success)
    }

    @Test func aFailureIsAnErrorLine() {
        var pull = OllamaPull(names: [Self.name, "alias"])
        let lines = pull.lines(for: .downloadEnded(model: "alias", problem: "was not downloaded"))
        #expect(lines == [["error": "pull model 'org/name:Q8_0': it was not downloaded"]])
        #expect(pull.ending == .failure("pull model 'org/name:Q8_0': it was not downloaded"))
    }

    @Test(arguments: [
        ("hf.co/org/name:q8_0", "org/name:Q8_0"), ("huggingface.co/org/name", "org/name"),
        ("HF.co/org/name:latest", "org/name"), ("https://huggingface.co/org/name:Q4_K_M", "org/name:Q4_K_M"),
        ("org/name:Q8_0", "org/name:Q8_0"), ("llama3.2", nil), ("library/llama3.2/x", nil), ("hf.co/../x/y", nil),
    ]) func aRepositoryHasTheSpellingsOfClients(name: String, reference: String?) {
        #expect(OllamaPull.reference(name)?.description == reference)
    }

    @Test func aModelThatWasNeverLoadedHasTheFactsOfItsFile() throws {
        var summary = ModelSummary(
            architecture: "qwen3", displayName: "Qwen3", parameterCount: 596_049_920, byteCount: 600,
            quantization: "Q8_0", trainedContextLength: 40_960, vocabularySize: 9)
        summary.capabilities = [.completion, .tools, .reasoning, .infill, .rerank]
        let capabilities = OllamaBodies.Model.capabilities(of: summary)
        #expect(capabilities == ["completion", "tools", "thinking", "insert"])
        let model = OllamaBodies.Model(
            name: "q", information: nil, summary: summary, modified: 0, template: "", capabilities: capabilities)
        let entry = try #require(OllamaBodies.tags([model])["models"]?.arrayValue?.first)
        #expect(entry["size"] == 600 && entry["digest"] == "" && entry["modified_at"] == "1970-01-01T00:00:00Z")
        #expect(entry["details"]?["family"] == "qwen3" && entry["details"]?["parameter_size"] == "596M")
        #expect(entry["details"]?["quantization_level"] == "Q8_0")
        let facts = OllamaBodies.show(model)["model_info"]
        #expect(facts?["general.architecture"] == "qwen3" && facts?["qwen3.context_length"] == 40_960)
    }
}
