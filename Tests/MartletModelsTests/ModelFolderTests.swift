import Foundation
import Testing

@testable import MartletModels

@Suite struct ModelFolderTests {
    private func models(_ files: [String]) throws -> [RegisteredModel] {
        var result: [RegisteredModel] = []
        try SampleModel.withFolder { folder in
            for file in files { try SampleModel.write([], folder + "/" + file) }
            result = try ModelFolder.models(in: folder)
        }
        return result
    }

    @Test func aFileAtTheTopIsAModel() throws {
        let found = try models(["a.gguf", "b.GGUF", "notes.txt", ".hidden.gguf"])
        #expect(found.map(\.name) == ["a", "b"])
        #expect(found.allSatisfy { $0.paths.count == 1 && $0.problem == nil })
    }

    /// No file at the top belongs to another one. Each is an entry, and its head says what it is.
    @Test func aCompanionAtTheTopIsAnEntryOfItsOwn() throws {
        let found = try models(["a.gguf", "mmproj-x.gguf", "draft-x.gguf"])
        #expect(found.map(\.name) == ["a", "draft-x", "mmproj-x"])
        #expect(found.allSatisfy { $0.projectorPath == nil && $0.draftPath == nil })
    }

    @Test func aSubfolderWithoutAModelSaysSo() throws {
        let found = try models(["g/mmproj-gemma.gguf"])
        #expect(found.count == 1 && found[0].problem?.hasPrefix("has no model, only mmproj-gemma.gguf in") == true)
    }

    /// A draft of another kind than a model of its own is listed, and no worker gets it.
    @Test func onlyAModelOfItsOwnIsAUsableDraft() throws {
        #expect(try models(["g/g.gguf", "g/draft-g.gguf"])[0].usableDraftPath?.hasSuffix("/draft-g.gguf") == true)
        let other = try models(["g/g.gguf", "g/mtp-g.gguf"])[0]
        #expect(other.draftPath != nil && other.usableDraftPath == nil)
    }

    @Test func aSubfolderIsAModelWithItsCompanions() throws {
        let found = try models(["g/gemma-Q4_0.gguf", "g/mmproj-gemma.gguf", "g/draft-small.gguf"])
        #expect(found.map(\.name) == ["g"])
        #expect(found[0].paths[0].hasSuffix("/g/gemma-Q4_0.gguf"))
        #expect(found[0].projectorPath?.hasSuffix("/g/mmproj-gemma.gguf") == true)
        #expect(found[0].draftPath?.hasSuffix("/g/draft-small.gguf") == true)
    }

    @Test func aSubfolderWithSeveralModelsNamesEach() throws {
        #expect(try models(["q/a.gguf", "q/b.gguf"]).map(\.name) == ["q/a", "q/b"])
    }

    @Test func aSplitModelIsOneModel() throws {
        let found = try models(["m-00002-of-00002.gguf", "m-00001-of-00002.gguf"])
        #expect(found.map(\.name) == ["m"])
        #expect(found[0].paths.count == 2 && found[0].paths[0].hasSuffix("m-00001-of-00002.gguf"))
        #expect(found[0].problem == nil)
    }

    @Test func aMissingPartIsNamed() throws {
        let found = try models(["m-00001-of-00003.gguf", "m-00003-of-00003.gguf"])
        #expect(found[0].problem == "lacks m-00002-of-00003.gguf, one of its 3 files")
    }

    @Test func twoDraftsAreAProblem() throws {
        let found = try models(["m/m.gguf", "m/mtp-a.gguf", "m/draft-b.gguf"])
        #expect(found[0].problem?.contains("has 2 draft models (draft-b.gguf, mtp-a.gguf)") == true)
    }

    @Test func aMissingFolderIsAnError() {
        #expect(throws: ModelSourceError("--models-dir: /nowhere is not there")) {
            try ModelFolder.models(in: "/nowhere")
        }
    }

    @Test func aFolderWithoutRightsIsAProblemOfItsModelOnly() throws {
        // The super-user may read every folder, so a broken link stands for a folder that cannot be read.
        try SampleModel.withFolder { folder in
            try SampleModel.write([], folder + "/a.gguf")
            try SampleModel.write([], folder + "/closed/b.gguf")
            chmod(folder + "/closed", 0)
            defer { chmod(folder + "/closed", 0o700) }
            let found = try ModelFolder.models(in: folder)
            #expect(found.map(\.name) == ["a", "closed"])
            if geteuid() != 0 { #expect(found[1].problem?.contains("Permission denied") == true) }
        }
    }
}

@Suite struct HubCacheTests {
    private static let commit = String(repeating: "a1", count: 20)

    /// Writes a repository of a cache with these files, each a link to a blob.
    static func addRepository(_ name: String, _ files: [String], in cache: String) throws {
        let base = HubCache(folder: cache).folder(of: name)
        try SampleModel.write(Array((commit + "\n").utf8), base + "/refs/main")
        for file in files {
            let blob = base + "/blobs/" + file.split(separator: "/").joined(separator: "_")
            try SampleModel.write(SampleModel().bytes, blob)
            let link = base + "/snapshots/\(commit)/\(file)"
            let parent = URL(fileURLWithPath: link).deletingLastPathComponent()
            try FileManager.default.createDirectory(at: parent, withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(atPath: link, withDestinationPath: blob)
        }
    }

    @Test func theCacheOfOtherToolsIsRead() throws {
        try SampleModel.withFolder { cache in
            try Self.addRepository("org/m-GGUF", ["m-Q4_K_M.gguf", "m-Q8_0.gguf", "mmproj-m-F16.gguf"], in: cache)
            try Self.addRepository(
                "org/big", ["Q4/big-Q4_0-00001-of-00002.gguf", "Q4/big-Q4_0-00002-of-00002.gguf"], in: cache)
            let models = HubCache(folder: cache).models()
            #expect(models.map(\.name) == ["org/big:Q4_0", "org/m-GGUF:Q4_K_M", "org/m-GGUF:Q8_0"])
            #expect(models[0].paths.count == 2)
            #expect(models[1].projectorPath?.hasSuffix("mmproj-m-F16.gguf") == true)
            let registry = ModelRegistry(models)
            for (name, expected) in [
                ("org/m-GGUF", "org/m-GGUF:Q4_K_M"), ("org/m-GGUF:q8_0", "org/m-GGUF:Q8_0"),
                ("org/big", "org/big:Q4_0"),
            ] {
                guard case .model(let model) = registry.resolve(name) else {
                    Issue.record("\(name) is not found")
                    continue
                }
                #expect(model.name == expected)
            }
        }
    }

    @Test func foldersOfOtherShapesAreLeftOut() throws {
        try SampleModel.withFolder { cache in
            try SampleModel.write(Array("../../etc".utf8), cache + "/models--a--b/refs/main")
            try SampleModel.write([], cache + "/models--..--x/snapshots/x/m.gguf")
            try SampleModel.write([], cache + "/datasets--a--b/m.gguf")
            #expect(HubCache(folder: cache).models().isEmpty)
            #expect(HubCache(folder: cache + "/nothing").models().isEmpty)
        }
    }

    @Test func theFolderFollowsTheVariablesInLlamaServersOrder() {
        let all = ["LLAMA_CACHE": "/l", "HF_HUB_CACHE": "/h", "HF_HOME": "/f", "XDG_CACHE_HOME": "/x", "HOME": "/u"]
        #expect(HubCache.folder { all[$0] } == "/l")
        #expect(HubCache.folder { ["HF_HOME": "/f", "HOME": "/u"][$0] } == "/f/hub")
        #expect(HubCache.folder { ["LLAMA_CACHE": "", "HOME": "/u"][$0] } == "/u/.cache/huggingface/hub")
        #expect(HubCache.folder { _ in nil } == nil)
    }

    @Test func removalDeletesTheBlobThatNoOtherModelNeeds() throws {
        try SampleModel.withFolder { folder in
            let cache = HubCache(folder: folder)
            try Self.addRepository("org/m", ["m-Q4_0.gguf", "m-Q8_0.gguf", "mmproj-m.gguf"], in: folder)
            let first = try #require(cache.models().first)
            let bytes = try ModelRemoval(first, folder: nil, cache: cache).perform()
            #expect(bytes == UInt64(SampleModel().bytes.count))
            let rest = cache.models()
            #expect(rest.map(\.name) == ["org/m:Q8_0"])
            #expect(rest[0].projectorPath.map { FileManager.default.fileExists(atPath: $0) } == true)
            _ = try ModelRemoval(rest[0], folder: nil, cache: cache).perform()
            #expect(cache.models().isEmpty)
        }
    }

    @Test func removalRefusesFilesOutsideOfTheModelsFolder() throws {
        try SampleModel.withFolder { folder in
            try SampleModel.write([], folder + "/outside.gguf")
            try FileManager.default.createDirectory(atPath: folder + "/models", withIntermediateDirectories: true)
            try FileManager.default.createSymbolicLink(
                atPath: folder + "/models/link.gguf", withDestinationPath: folder + "/outside.gguf")
            let model = try #require(try ModelFolder.models(in: folder + "/models").first)
            #expect(throws: ModelSourceError.self) { try ModelRemoval(model, folder: folder + "/models", cache: nil) }
            var flag = model
            flag.source = .flag
            #expect(throws: ModelSourceError.self) { try ModelRemoval(flag, folder: folder + "/models", cache: nil) }
            #expect(FileManager.default.fileExists(atPath: folder + "/outside.gguf"))
        }
    }
}
