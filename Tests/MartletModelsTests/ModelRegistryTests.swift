import Testing

@testable import MartletModels

@Suite struct ModelRegistryTests {
    private func model(
        _ name: String, _ source: RegisteredModel.Source = .folder, aliases: [String] = [], path: String = "/m.gguf"
    ) -> RegisteredModel {
        var model = RegisteredModel(name: name, source: source, paths: [path])
        model.aliases = aliases
        return model
    }

    @Test func aNameAndAnAliasFindTheirModel() {
        let registry = ModelRegistry([model("a", aliases: ["x", "y"]), model("b")])
        for name in ["a", "x", "y"] { #expect(registry.resolve(name) == .model(model("a", aliases: ["x", "y"]))) }
    }

    @Test func anUnknownNameNamesTheNearestModel() {
        let registry = ModelRegistry([model("qwen3-0.6b-Q8_0"), model("gemma")])
        #expect(registry.resolve("gema") == .unknown(nearest: "gemma"))
        #expect(registry.resolve("Qwen3") == .unknown(nearest: "qwen3-0.6b-Q8_0"))
        #expect(registry.resolve("something else") == .unknown(nearest: nil))
    }

    @Test(arguments: [
        ("", "is empty"), ("a\0b", "has the control character 0"), ("../x", "has the component '..'"),
        (String(repeating: "x", count: 300), "has 300 bytes; at most 255 are allowed"),
    ]) func aNameThatBreaksARuleIsInvalid(name: String, rule: String) {
        #expect(ModelRegistry([]).resolve(name) == .invalid(rule))
    }

    @Test func namesAreComparedByTheirBytes() {
        let registry = ModelRegistry([model("caf\u{E9}")])
        #expect(registry.resolve("cafe\u{301}") != .model(model("caf\u{E9}")))
    }

    @Test func aLaterSourceOverridesFilesAndAddsSettings() {
        var preset = RegisteredModel(name: "a", source: .preset)
        preset.set(.init("ctx-size", "8192"))
        let registry = ModelRegistry([preset, model("a", .folder, path: "/folder/a.gguf")])
        #expect(registry.models.map(\.paths) == [["/folder/a.gguf"]])
        #expect(registry.models[0].setting("ctx-size") == "8192")
        #expect(registry.models[0].source == .preset)
    }

    @Test func ofTwoEqualNamesTheFirstRemainsAndBothAreNamed() {
        let registry = ModelRegistry([model("a", path: "/1.gguf"), model("a", path: "/2.gguf")])
        #expect(registry.models.map(\.paths) == [["/1.gguf"]])
        #expect(registry.conflicts == ["the name 'a' belongs to /1.gguf, so /2.gguf is left out"])
        #expect(ModelRegistry([model("a"), model("b", aliases: ["a"])]).conflicts.count == 1)
    }

    @Test func twoFilesOfTheSameNameOnTheCommandLineAreAnError() {
        var sources = ModelSources()
        sources.files = ["/x/a.gguf", "/y/a.gguf"]
        #expect(throws: ModelSourceError.self) { try sources.registry() }
        sources.files = ["/x/m-00001-of-00003.gguf"]
        #expect(try! sources.registry().models[0].paths.last == "/x/m-00003-of-00003.gguf")
    }

    @Test(arguments: ["a", "a/b/c", "/a", "a/", "a//b", "a/..", "../b", "a/b:", "a/b:x y", "a/-b", ".a/b", "ä/b"])
    func textsThatAreNoRepositoryAreRefused(text: String) { #expect(HubReference(text) == nil) }

    @Test func aReferenceHasARepositoryAndAQuantization() throws {
        let reference = try #require(HubReference("ggml-org/Qwen3-0.6B-GGUF:q8_0"))
        #expect(reference.repository == "ggml-org/Qwen3-0.6B-GGUF" && reference.quantization == "Q8_0")
        #expect(HubReference("a/b")?.quantization == nil)
    }

    @Test(arguments: [
        ("m-Q4_K_M.gguf", "Q4_K_M"), ("m.q8_0.gguf", "Q8_0"), ("m-BF16-00001-of-00002.gguf", "BF16"),
        ("m-UD-IQ2_XXS.gguf", "IQ2_XXS"),
    ]) func theQuantizationIsTheEndOfAFilesName(file: String, tag: String) {
        #expect(Quantization.tag(ofFile: file) == tag)
    }
}

@Suite struct PresetFileTests {
    private func parse(_ text: String) throws -> PresetFile {
        let keys = [
            "ctx-size": "ctx-size", "c": "ctx-size", "LLAMA_ARG_CTX_SIZE": "ctx-size", "model": "model",
            "alias": "alias", "hf-repo": "hf-repo", "hf-file": "hf-file", "model-url": "model-url",
            "spec-draft-hf": "spec-draft-hf",
        ]
        return try PresetFile(text, path: "p.ini", knownKeys: ["ctx-size", "model", "alias"]) { keys[$0] }
    }

    private func message(_ text: String) -> String {
        do { return "\(try parse(text))" } catch { return "\(error)" }
    }

    @Test func sectionsInheritTheSharedSettings() throws {
        let text = """
            version = 1
            [*]
            c = 8192            ; for all
            [coder]
            model = /m/a;b.gguf # a semicolon within a word is no comment
            alias = code, c2
            [small:q4_0]
            LLAMA_ARG_CTX_SIZE = 512
            """
        var sources = ModelSources()
        sources.presets = try parse(text)
        let models = try sources.registry().models
        #expect(models.map(\.name) == ["coder", "small:Q4_0"])
        #expect(models[0].setting("ctx-size") == "8192" && models[1].setting("ctx-size") == "512")
        #expect(models[0].paths == ["/m/a;b.gguf"] && models[0].aliases == ["code", "c2"])
        #expect(models[1].problem?.contains("needs 'model = PATH' or 'hf-repo = ORG/NAME'") == true)
    }

    /// As in llama-server, `[*]` is not only for sections. A key that names one model stays with the sections.
    @Test func theSharedSettingsApplyToModelsOfTheFolderToo() throws {
        try SampleModel.withFolder { folder in
            try SampleModel.write(SampleModel().bytes, folder + "/a.gguf")
            var sources = ModelSources()
            sources.folder = folder
            sources.presets = try parse("[*]\nctx-size = 2048\nalias = x\n[a]\nctx-size = 512\n[b]\nmodel = /b")
            let models = try sources.registry().models
            #expect(models.map { $0.setting("ctx-size") } == ["512", "2048"])
            sources.presets = try parse("[*]\nctx-size = 2048\nalias = x")
            let alone = try #require(try sources.registry().models.first)
            #expect(alone.setting("ctx-size") == "2048" && alone.aliases.isEmpty && alone.setting("alias") == nil)
        }
    }

    /// A section hides the files of the cache that it serves, its draft model included. Their names still mean them.
    @Test func aSectionHidesItsFilesOfTheCacheIfItAsks() throws {
        try SampleModel.withFolder { cache in
            for name in ["org/m", "org/d", "org/other"] {
                try HubCacheTests.addRepository(name, ["\(name.dropFirst(4))-Q8_0.gguf"], in: cache)
            }
            var sources = ModelSources()
            sources.hubFolder = cache
            let section = "[p]\nhf-repo = org/m\nspec-draft-hf = org/d\n"
            sources.presets = try parse(section + "dedup-cache-models = 1")
            let registry = try sources.registry()
            #expect(registry.models.filter { !$0.isHidden }.map(\.name) == ["org/other:Q8_0", "p"])
            guard case .model(let hidden) = registry.resolve("org/m") else { return #expect(Bool(false)) }
            #expect(hidden.name == "org/m:Q8_0" && hidden.isHidden)
            let preset = try #require(registry.models.first { $0.name == "p" })
            #expect(preset.usableDraftPath?.hasSuffix("/d-Q8_0.gguf") == true && preset.problem == nil)
            // The key also applies from the section for all, and its absence shows the files again.
            sources.presets = try parse("[*]\ndedup-cache-models = on\n" + section)
            #expect(try sources.registry().models.count { $0.isHidden } == 2)
            sources.presets = try parse(section)
            #expect(try sources.registry().models.allSatisfy { !$0.isHidden })
            sources.presets = try parse("[p]\nhf-repo = org/m\nspec-draft-hf = org/nothing")
            // A draft model that is not on this machine is downloaded before the model is loaded.
            let absent = try #require(try sources.registry().models.first { $0.name == "p" })
            #expect(absent.missing.map(\.description) == ["org/nothing"] && !absent.isComplete && absent.problem == nil)
        }
    }

    @Test func aSectionNamesTheOriginOfItsFiles() throws {
        try SampleModel.withFolder { folder in
            let cache = folder + "/hub"
            try HubCacheTests.addRepository("org/m", ["m-Q8_0.gguf", "m-Q4_0.gguf"], in: cache)
            try SampleModel.write(SampleModel().bytes, folder + "/here.gguf")
            var sources = ModelSources()
            sources.hubFolder = cache
            sources.downloadPath = { $0.hasPrefix("https://h/") ? folder + "/" + $0.dropFirst(10) : nil }
            sources.presets = try parse(
                """
                [cached]
                hf-repo = org/m
                hf-file = m-Q4_0.gguf
                [other]
                hf-repo = org/m
                hf-file = m-Q2_K.gguf
                [fetched]
                model-url = https://h/here.gguf
                [address]
                model-url = https://h/there.gguf?signature=x
                [org/new:q8_0]
                [wrong]
                hf-repo = nothing
                [scheme]
                model-url = ftp://h/x
                """)
            let models = try sources.registry().models
            func model(_ name: String) throws -> RegisteredModel {
                try #require(models.first { $0.name == name }, "\(models.map(\.name))")
            }
            #expect(try model("cached").paths.first?.hasSuffix("/m-Q4_0.gguf") == true && model("cached").isComplete)
            #expect(try model("other").missing.map(\.description) == ["org/m/m-Q2_K.gguf"])
            #expect(try model("fetched").paths == [folder + "/here.gguf"] && model("fetched").isComplete)
            #expect(try model("address").missing.map(\.description) == ["https://h/there.gguf"])
            #expect(try model("org/new:Q8_0").missing.map(\.description) == ["org/new:Q8_0"])
            #expect(
                try model("wrong").problem
                    == "has a wrong setting: hf-repo must be ORG/NAME with an optional :QUANTIZATION, not 'nothing'")
            #expect(try model("scheme").problem?.contains("model-url must be an https address of a file") == true)
        }
    }

    /// A section with the name of another source's model has settings of it, and downloads nothing.
    @Test func aSectionOfAFolderModelHasNoOrigin() throws {
        try SampleModel.withFolder { folder in
            for name in ["a", "b"] { try SampleModel.write(SampleModel().bytes, folder + "/sub/\(name).gguf") }
            var sources = ModelSources()
            sources.folder = folder
            sources.presets = try parse("[sub/a]\nctx-size = 512")
            let model = try #require(try sources.registry().models.first { $0.name == "sub/a" })
            #expect(model.isComplete && model.setting("ctx-size") == "512" && model.missing.isEmpty)
        }
    }

    @Test func aPresetOfACachedModelHasItsFiles() throws {
        try SampleModel.withFolder { cache in
            try HubCacheTests.addRepository("org/m", ["m-Q8_0.gguf"], in: cache)
            var sources = ModelSources()
            sources.hubFolder = cache
            sources.presets = try parse("[org/m:Q8_0]\nctx-size = 99\n[other]\nctx-size = 1")
            let registry = try sources.registry()
            guard case .model(let model) = registry.resolve("org/m:Q8_0") else { return #expect(Bool(false)) }
            #expect(model.paths.count == 1 && model.setting("ctx-size") == "99")
        }
    }

    @Test(arguments: [
        ("[a]\nctx-siez = 1", "p.ini:2: unknown key 'ctx-siez'; did you mean 'ctx-size'?"),
        ("[a\n", "p.ini:1: the section has no ']' at its end"),
        ("[a]\n[b]\n[a]\n", "p.ini:3: the section [a] exists already on line 1"),
        ("[a]\nmodel", "p.ini:2: 'model' has no '='; a setting is 'key = value'"),
        ("[a]\nc = 1\nctx-size = 2", "p.ini:3: ctx-size is set twice in [a]"),
        ("[]", "p.ini:1: the name of the section is empty"),
        ("[../x]", "p.ini:1: the name of the section has the component '..'"),
    ]) func aWrongFileIsRefusedByLineAndRule(text: String, error: String) { #expect(message(text) == error) }

    @Test func keysBeforeTheFirstSectionAreTheDefaultModel() throws {
        #expect(try parse("model = x.gguf").sections.map(\.name) == ["default"])
        #expect(try parse("; nothing").sections.isEmpty)
    }
}
