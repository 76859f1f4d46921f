import Llama
import MartletAPI
import MartletEngine
import MartletProtocol
import Testing

@testable import MartletCommands

@Suite struct SpeculationSettingsTests {
    private func values(_ arguments: [String]) throws -> SettingValues {
        try SettingParser(command: .serve).parse(arguments: arguments, environment: { _ in nil })
    }

    @Test func nothingIsDraftedUnlessAFlagAsksForIt() throws {
        let configuration = try SpeculationConfiguration(values([]))
        #expect(configuration.kinds == [])
        #expect(configuration.draftModel == nil)
        #expect(try CompletionDefaults(values([])) { _ in }.speculation.kinds == nil)
    }

    @Test func flagsOfLlamaServerAreRead() throws {
        let configuration = try SpeculationConfiguration(
            values([
                "--spec-type", "ngram-mod,draft-simple", "-md", "d.gguf", "--draft-max", "9", "--draft-min", "2",
                "--draft-p-min", "0.5", "-ngld", "3", "-td", "2", "-tbd", "4", "-ctkd", "q8_0", "-ctvd", "f32",
                "--spec-ngram-simple-size-n", "5", "--spec-ngram-simple-size-m", "20",
            ]))
        #expect(configuration.kinds == [.ngram, .model])
        #expect((configuration.modelDraftLimit, configuration.minimumCount) == (9, 2))
        #expect(configuration.minimumProbability == 0.5)
        #expect((configuration.ngramKeyLength, configuration.ngramDraftLimit) == (5, 20))
        let model = try #require(configuration.draftModel)
        #expect(model.path == "d.gguf")
        #expect((model.gpuLayers, model.threads, model.batchThreads) == (3, 2, 4))
        #expect((model.keyCacheType, model.valueCacheType) == (.q8_0, .f32))
    }

    @Test func aDraftModelAloneSelectsItsKind() throws {
        #expect(try SpeculationConfiguration(values(["-md", "d.gguf"])).kinds == [.model])
        #expect(try CompletionDefaults(values(["-md", "d.gguf"])) { _ in }.speculation.kinds == [.model])
        #expect(try SpeculationConfiguration(values(["-md", "d.gguf", "--spec-type", "none"])).kinds == [])
    }

    @Test(arguments: [
        (["--spec-type", "draft-mtp"], "--spec-type must be one of none, ngram-simple, draft-simple"),
        (["--spec-type", "draft-simple"], "--spec-type draft-simple needs a draft model (--model-draft)"),
    ])
    func errorsNameFlagRuleAndValue(arguments: [String], beginning: String) throws {
        let values = try values(arguments)
        let error = #expect(throws: SettingError.self) { try SpeculationConfiguration(values) }
        #expect(String(describing: try #require(error)).hasPrefix(beginning))
    }
}
