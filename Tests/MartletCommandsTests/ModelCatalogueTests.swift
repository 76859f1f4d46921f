import Foundation
import Logging
import MartletModels
import MartletPlatform
import MartletPool
import MartletWorkers
import Testing

@testable import MartletCommands

/// The definitions of models that a server makes of its sources.
@Suite struct ModelCatalogueTests {
    private static let fledgling =
        #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Models/fledgling.Q8_0.gguf"

    /// A catalogue of a folder with these files, each a copy of the demo model.
    private func withCatalogue(
        _ files: [String], presets: String? = nil, config: String? = nil,
        _ body: (ModelCatalogue, String) throws -> Void
    ) throws {
        let folder = FileManager.default.temporaryDirectory.appending(path: "catalogue-\(UUID())").path
        defer { try? FileManager.default.removeItem(atPath: folder) }
        try FileManager.default.createDirectory(atPath: folder + "/models", withIntermediateDirectories: true)
        for file in files {
            let path = folder + "/models/" + file
            try FileManager.default.createDirectory(
                atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try FileManager.default.copyItem(atPath: Self.fledgling, toPath: path)
        }
        var flags = ["--models-dir", folder + "/models"]
        if let presets {
            try presets.write(toFile: folder + "/presets.ini", atomically: true, encoding: .utf8)
            flags += ["--models-preset", folder + "/presets.ini"]
        }
        if let config {
            try config.write(toFile: folder + "/martlet.conf", atomically: true, encoding: .utf8)
            flags += ["--config", folder + "/martlet.conf"]
        }
        let values = try SettingParser(command: .serve).parse(arguments: flags, environment: { _ in nil })
        var sources = ModelSources()
        sources.folder = folder + "/models"
        let catalogue = ModelCatalogue(
            flags: flags, values: values, sources: sources, executable: "/nowhere", restartPolicy: RestartPolicy(),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        try body(catalogue, folder)
    }

    private func arguments(_ catalogue: ModelCatalogue, _ name: String) throws -> [String] {
        let found = try #require(try catalogue.scan().registry.models.first { $0.name == name })
        return try catalogue.values(of: found).workerArguments()
    }

    /// A draft model in the folder of its model reaches the worker, and its memory is in the plan.
    @Test func aDraftOfASubfolderReachesTheWorkerAndThePlan() throws {
        try withCatalogue(["m/m.gguf", "m/draft-m.gguf", "n/n.gguf", "n/mtp-n.gguf"]) { catalogue, folder in
            let drafted = try arguments(catalogue, "m")
            #expect(drafted.contains("--spec-draft-model=\(folder)/models/m/draft-m.gguf"), "\(drafted)")
            #expect(try !arguments(catalogue, "n").contains { $0.hasPrefix("--spec-draft-model") })
            let needs = try catalogue.scan().definitions.filter { ["m", "n"].contains($0.model.name) }
                .map { try $0.plan().bytes[0] }
            #expect(needs.count == 2 && needs[0] > needs[1] + 2 << 20)
        }
    }

    @Test func aDraftOfAPresetReachesTheWorker() throws {
        let section = "[p]\nmodel = \(Self.fledgling)\nspec-draft-model = \(Self.fledgling)\n"
        try withCatalogue([], presets: section) { catalogue, _ in
            let found = try arguments(catalogue, "p")
            #expect(found.contains("--spec-draft-model=\(Self.fledgling)"))
        }
    }

    /// Lines of `--config` before the sections are settings of the server; a section is a preset and overrides them.
    @Test func aFileOfSettingsHasSectionsOfModels() throws {
        let config = """
            # The server
            ctx-size = 1024
            parallel = 2

            [p]
            model = \(Self.fledgling)
            ctx-size = 512
            [q]
            model = \(Self.fledgling)
            """
        try withCatalogue([], config: config) { catalogue, _ in
            #expect(PoolPlan.isWanted(catalogue.values) && catalogue.values.integer(.contextSize) == 1024)
            let (p, q) = (try arguments(catalogue, "p"), try arguments(catalogue, "q"))
            #expect(p.contains("--ctx-size=512") && p.contains("--parallel=2"), "\(p)")
            #expect(q.contains("--ctx-size=1024") && q.contains("--parallel=2"), "\(q)")
        }
        try withCatalogue([], config: config.replacing("[q]\nmodel", with: "[q]\nmodle")) { catalogue, folder in
            let error = #expect(throws: ModelSourceError.self) { try catalogue.scan() }
            #expect(
                error?.description
                    == "--config: \(folder)/martlet.conf:9: unknown key 'modle'; did you mean 'model'?")
        }
        try withCatalogue([], presets: "[r]\nmodel = /m", config: config) { catalogue, folder in
            let error = #expect(throws: ModelSourceError.self) { try catalogue.scan() }
            #expect(error?.description.contains("exclude each other") == true)
        }
    }

    /// Another person wrote the presets of a repository, so they name no file, no host and no right.
    @Test func presetsOfARepositorySetOnlyWhatIsHarmless() throws {
        func check(_ text: String) throws {
            try RemotePresets.check(
                PresetFile(text, path: "preset.ini", knownKeys: PresetKeys.all, canonicalKey: PresetKeys.canonical))
        }
        try check("[*]\nc = 512\n[a]\nhf = org/m:Q8_0\ntemp = 0.5\nngl = 3\nload-on-startup = on\nno-mmap = 1")
        for key in [
            "model", "model-url", "mmproj", "rpc", "log-file", "chat-template-file", "lora", "slot-save-path",
            "cache-disk",
            "no-sandbox", "host", "api-key", "override-tensor", "device", "state-dir", "grammar-file",
        ] {
            let error = #expect(throws: SettingError.self) { try check("[a]\nhf = org/m\n\(key) = x") }
            #expect(error?.description.contains("\(key) of [a] is not allowed") == true, "\(error?.description ?? key)")
        }
        for key in RemotePresets.allowedKeys {
            let setting = try #require(SettingTable.all.first { $0.key == key })
            if case .text = setting.kind {
                // Texts that are names and values, and no paths.
                #expect(
                    [.hubRepository, .hubFile, .samplerSequence].contains(key) || !setting.help.contains("file"),
                    "\(key.rawValue)")
            }
        }
    }

    /// An encoder serves vectors and a reranker scores without a flag, unless a flag says otherwise.
    @Test func aModelWithoutTextServesWhatItCan() throws {
        func arguments(_ capabilities: [ModelSummary.Capability], _ setting: RegisteredModel.Setting? = nil) throws
            -> [String]
        {
            var model = RegisteredModel(name: "e", source: .folder)
            if let setting { model.set(setting) }
            let summary = ModelSummary(
                architecture: "bert", parameterCount: 1, byteCount: 1, quantization: "F16", capabilities: capabilities)
            var found: [String] = []
            try withCatalogue([]) { catalogue, _ in
                found = try catalogue.values(of: model, summary).workerArguments()
            }
            return found.filter { $0.contains("embeddings") || $0.contains("reranking") }
        }
        #expect(try arguments([.embeddings]) == ["--embeddings"])
        #expect(try arguments([.rerank]) == ["--reranking"])
        #expect(try arguments([.completion]).isEmpty)
        #expect(try arguments([.embeddings], .init("embeddings", "off")) != ["--embeddings"])
    }

    /// An adapter in the folder is named as one, in the definition of the pool as in lists.
    @Test func aFileOfAnotherKindIsNoModelOfThePool() throws {
        try withCatalogue(["a.gguf"]) { catalogue, folder in
            let url = URL(fileURLWithPath: folder + "/models/words.gguf")
            // A head with a vocabulary and without tensors: version 3, no tensor, two values.
            var bytes = Array("GGUF".utf8)
            func number(_ value: some FixedWidthInteger) {
                bytes += withUnsafeBytes(of: value.littleEndian) { Array($0) }
            }
            func text(_ value: String) {
                number(UInt64(value.utf8.count))
                bytes += Array(value.utf8)
            }
            number(UInt32(3))
            number(UInt64(0))
            number(UInt64(2))
            text("general.architecture")
            number(UInt32(8))
            text("qwen3")
            text("tokenizer.ggml.tokens")
            number(UInt32(9))
            number(UInt32(8))
            number(UInt64(1))
            text("a")
            try Data(bytes).write(to: url)
            let catalogue = try catalogue.scan()
            let words = try #require(catalogue.definitions.first { $0.model.name == "words" })
            #expect(words.kind == .vocabulary && words.problem?.hasPrefix("is a vocabulary without weights") == true)
            #expect(catalogue.definitions.first { $0.model.name == "a" }?.kind == .model)
            #expect(throws: SettingError.self) { try ModelFile(named: url.path, executable: nil) }
            do throws(SettingError) {
                _ = try ModelFile(named: url.path, executable: nil)
            } catch {
                #expect(error.description.contains("is a vocabulary without weights"), "\(error)")
            }
        }
    }
}
