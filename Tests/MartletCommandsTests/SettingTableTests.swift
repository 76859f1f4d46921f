import Foundation
import Llama
import MartletAPI
import MartletChat
import MartletEngine
import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletServer
import MartletStateFiles
import MartletText
import Testing

@testable import MartletCommands

@Suite struct SettingTableTests {
    @Test func everyKeyHasOneEntryAndEveryNameOneMeaning() {
        #expect(SettingTable.all.map(\.key.rawValue).sorted() == FlagKey.allCases.map(\.rawValue).sorted())
        var names: [String] = SettingTable.all.flatMap { $0.names + $0.negativeNames }
        names += PeerFlags.all.flatMap { $0.names + $0.negatives }
        #expect(Set<String>(names).count == names.count)
        let variables = SettingTable.all.flatMap(\.environmentNames) + PeerFlags.all.flatMap(\.environmentNames)
        #expect(Set<String>(variables).count == variables.count)
    }

    @Test func everyHelpTextIsASentence() {
        for setting in SettingTable.all {
            #expect(setting.help.hasSuffix("."), "\(setting.key)")
        }
    }

    /// The page is made from the table: `martlet flags > docs/flags.md`.
    @Test func thePageOfFlagsIsCurrent() throws {
        let root = #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
        let page = try SmallFile.text("/\(root)/docs/flags.md", for: "docs/flags.md")
        #expect(page == SettingHelp.markdown())
    }

    @Test func helpNamesEveryFlagOfItsCommand() {
        for command in [SettingCommand.serve, .worker] {
            let text = SettingHelp.text(for: command, abstract: "")
            for setting in SettingTable.all {
                let isListed = [" ", ",", "\n"].contains { text.contains(setting.names[0] + $0) }
                #expect(isListed == (command == .serve || setting.scope != .edge), "\(setting.key)")
            }
        }
    }

    @Test func defaultsAreThoseOfTheParts() throws {
        let values = try SettingParser(command: .serve).parse(arguments: []) { _ in nil }
        let server = try ServerConfiguration(values)
        let serverDefaults = ServerConfiguration()
        #expect(server.host == serverDefaults.host)
        #expect(server.port == serverDefaults.port)
        #expect(server.crossOrigin == serverDefaults.crossOrigin)
        #expect(server.completionDefaults == serverDefaults.completionDefaults)
        #expect(server.servesSlots == serverDefaults.servesSlots)
        #expect(server.servesMetrics == serverDefaults.servesMetrics)
        #expect(server.refusesOtherModelNames == serverDefaults.refusesOtherModelNames)
        #expect(server.limits.idleTimeout == serverDefaults.limits.idleTimeout)
        #expect(server.drainTimeout == serverDefaults.drainTimeout)
        #expect(server.allowsUnauthenticated == serverDefaults.allowsUnauthenticated)
        #expect(server.allowedHosts == serverDefaults.allowedHosts)
        #expect(server.apiKeys.isEmpty && serverDefaults.apiKeys.isEmpty)
        #expect(server.tls == nil && serverDefaults.tls == nil)
        #expect(String(describing: server.limits) == String(describing: serverDefaults.limits))
        let engine = try EngineConfiguration(modelPath: "x", values)
        let engineDefaults = EngineConfiguration(modelPath: "x")
        #expect(String(describing: engine) == String(describing: engineDefaults))
    }

    @Test func everyLimitReachesTheServer() throws {
        let values = try SettingParser(command: .serve).parse(
            arguments: [
                "-to", "1", "--request-timeout", "2", "--stall-timeout", "3", "--max-connections", "4",
                "--max-generations", "5", "--max-generations-per-key", "6",
            ]
        ) { _ in nil }
        var expected = ServerConfiguration.Limits()
        expected.idleTimeout = .seconds(1)
        expected.requestTimeout = .seconds(2)
        expected.stallTimeout = .seconds(3)
        expected.connections = 4
        expected.generations = 5
        expected.generationsPerKey = 6
        #expect(String(describing: try ServerConfiguration(values).limits) == String(describing: expected))
    }

    @Test(arguments: ["--ssl-cert-file", "--ssl-key-file"]) func aCertificateAndItsKeyBelongTogether(flag: String)
        throws
    {
        let values = try SettingParser(command: .serve).parse(arguments: [flag, "x.pem"]) { _ in nil }
        #expect(throws: SettingError.self) { try ServerConfiguration(values) }
    }

    @Test func everyEngineFlagReachesTheEngine() throws {
        let values = try SettingParser(command: .worker).parse(
            arguments: [
                "-c", "1", "-np", "2", "-b", "3", "-ub", "4", "-t", "5", "-tb", "6", "-ngl", "7", "-ctk", "q8_0",
                "-ctv", "q4_0", "-fa", "on", "--no-mmap", "--no-repack", "--swa-full", "--queue-limit", "8",
                "--no-kv-unified", "--max-stall-ms", "9000", "--no-batch-invariance",
                "--cache-disk", "/x:3M", "--ctx-checkpoints", "9", "-cms", "10",
            ]
        ) { _ in nil }
        var expected = EngineConfiguration(modelPath: "x")
        expected.contextLength = 1
        expected.sequenceCount = 2
        expected.batchSize = 3
        expected.microBatchSize = 4
        expected.threads = 5
        expected.batchThreads = 6
        expected.gpuLayers = 7
        expected.keyCacheType = .q8_0
        expected.valueCacheType = .q4_0
        expected.flashAttention = .on
        expected.loadMode = .copied
        expected.usesRepackedWeights = false
        expected.keepsFullWindow = true
        expected.queueLimit = 8
        expected.kvCacheLayout = .separate
        expected.maximumStall = .milliseconds(9_000)
        expected.isReproducible = false
        expected.diskCache = DiskCacheSettings(folder: "/x", byteLimit: 3 << 20)
        (expected.checkpointLimit, expected.checkpointMinimumStep) = (9, 10)
        #expect(try String(describing: EngineConfiguration(modelPath: "x", values)) == String(describing: expected))
    }

    private func engine(_ arguments: String...) throws -> EngineConfiguration {
        try EngineConfiguration(
            modelPath: "x", try SettingParser(command: .worker).parse(arguments: arguments) { _ in nil })
    }

    @Test func llamaServersFurtherEngineFlagsReachTheEngine() throws {
        #expect(try engine("--mlock").loadMode == .mappedAndLocked)
        #expect(try engine("--mlock", "--no-mmap").loadMode == .locked)
        #expect(try engine("-dio").loadMode == .direct)
        #expect(try engine("--mlock", "-lm", "auto").loadMode == .automatic)
        #expect(try engine("--check-tensors").checksTensors)
        #expect(try !engine("--no-warmup").warmsUp)
        #expect(try !engine("-nkvo").offloadsKVCache)
        #expect(try !engine("--no-op-offload").offloadsOperations)
        #expect(try engine("-sp").showsControlTokens)
        #expect(try engine("--kv-unified-per-slot", "4096").contextLength == 4096)
        #expect(try engine("--kv-unified-per-slot", "4096", "-c", "2048").contextLength == 2048)
        #expect(try engine("--kv-unified-per-slot", "1024", "-c", "2048").contextLength == 1024)
        var positions = RotaryPositions()
        positions.scaling = .yarn
        positions.frequencyScale = 0.25
        positions.frequencyBase = 10_000
        positions.yarnContextLength = 4096
        positions.yarnExtrapolation = 1
        positions.yarnAttention = 2
        positions.yarnBetaSlow = 3
        positions.yarnBetaFast = 4
        let configuration = try engine(
            "--rope-scaling", "yarn", "--rope-scale", "4", "--rope-freq-base", "10000", "--yarn-orig-ctx", "4096",
            "--yarn-ext-factor", "1", "--yarn-attn-factor", "2", "--yarn-beta-slow", "3", "--yarn-beta-fast", "4")
        #expect(configuration.positions == positions)
        #expect(try engine("--rope-freq-scale", "0.5").positions.frequencyScale == 0.5)
        #expect(throws: SettingError.self) { try engine("--rope-freq-scale", "0.5", "--rope-scale", "2") }
    }

    @Test func placesOfThreadsReachTheEngine() throws {
        #expect(try engine().placement == ThreadPlacement())
        #expect(try engine().batchPlacement == ThreadPlacement())
        var placement = ThreadPlacement()
        placement.processors = [0, 2, 4, 5]
        placement.isStrict = true
        placement.priority = .low
        placement.polling = 0
        let tokens = ["-C", "0x5", "-Cr", "4-5", "--cpu-strict", "1", "--prio", "-1", "--poll", "0"]
        let configuration = try EngineConfiguration(
            modelPath: "x", try SettingParser(command: .worker).parse(arguments: tokens) { _ in nil })
        #expect(configuration.placement == placement && configuration.batchPlacement == placement)
        let both = try EngineConfiguration(
            modelPath: "x",
            try SettingParser(command: .worker).parse(
                arguments: tokens + ["--cpu-range-batch", "-1", "--prio-batch", "2", "--cpu-strict-batch", "0"]
            ) { _ in nil })
        #expect(both.placement == placement)
        placement.processors = [0, 1]
        placement.isStrict = false
        placement.priority = .high
        #expect(both.batchPlacement == placement)
        #expect(try engine("--cpu-mask", "ff", "--numa", "isolate").placement.processors == Set(0...7))
        #expect(try engine("--cpu-mask", "ff", "--numa", "isolate").numa == .isolate)
        #expect(try engine("--cpu-range", "510-").placement.processors == [510, 511])
        #expect(try engine("--no-host").bypassesHostBuffer)
        #expect(try !engine("--no-host=off").bypassesHostBuffer)
    }

    @Test(
        arguments: [
            ("--cpu-mask", "xyz"), ("--cpu-mask", "0"), ("--cpu-mask", "0x"),
            ("-Cb", String(repeating: "f", count: 129)),
            ("--cpu-range", "3"), ("--cpu-range", "3-2"), ("--cpu-range", "0-512"), ("-Crb", "a-b"),
            ("--cpu-strict", "2"), ("--prio", "4"), ("--poll", "101"), ("--numa", "yes"),
            ("--control-vector-scaled", "x"), ("--control-vector-scaled", "x:nan"),
        ])
    func aPlaceThatIsNoneIsRefusedByItsRule(flag: String, value: String) {
        let error = #expect(throws: SettingError.self) { try engine(flag, value) }
        #expect(error?.description.hasSuffix("not '\(value)'") == true, "\(error?.description ?? "")")
    }

    @Test func controlVectorsReachTheEngine() throws {
        let configuration = try engine(
            "--control-vector", "a.gguf,b.gguf", "--control-vector-scaled", "c:d.gguf:-0.5",
            "--control-vector-layer-range", "2", "7")
        #expect(configuration.controlVectors.map(\.path) == ["a.gguf", "b.gguf", "c:d.gguf"])
        #expect(configuration.controlVectors.map(\.scale) == [1, 1, -0.5])
        #expect(configuration.controlLayers == 2...7)
        #expect(try engine("--control-vector-layer-range=3,3").controlLayers == 3...3)
        #expect(try engine().controlLayers == nil)
    }

    @Test(arguments: [["1"], ["1", "--mlock"], ["3", "2"], ["1", "513"], ["1", "x"]])
    func twoBoundsAreTwoNumbersInOrder(values: [String]) {
        let error = #expect(throws: SettingError.self) {
            try SettingParser(command: .worker)
                .parse(arguments: ["--control-vector-layer-range"] + values) { _ in nil }
        }
        #expect(error?.description.contains("two whole numbers from 0 to 512, the smaller one first") == true)
    }

    @Test func whatConcernsTheWorkerIsPassedOn() throws {
        let arguments = [
            "--no-host", "--cpu-mask=0x3", "--control-vector=a,b", "--control-vector-layer-range=1 3", "--no-mmap",
        ]
        let values = try SettingParser(command: .serve).parse(arguments: arguments) { _ in nil }
        #expect(Set<String>(values.workerArguments()) == Set(arguments))
        let off = try SettingParser(command: .serve).parse(arguments: ["--no-host=off"]) { _ in nil }
        #expect(off.workerArguments() == ["--no-host=off"])
    }

    // MARK: Completeness

    /// Each flag of llama-server is a setting, is accepted without effect, or is refused by name; none is unknown.
    @Test(arguments: PeerFlagNames.lines) func everyFlagOfLlamaServerIsKnown(line: String) {
        let parts = line.split(separator: "|").map { $0.split(separator: " ").map { String($0) } }
        let parser = SettingParser(command: .serve)
        let requests = ["-h", "--help", "--usage", "--version"]
        for name in parts[0] where !requests.contains(name) { #expect(parser.isKnown(name), "\(name)") }
        let variables =
            SettingTable.all.flatMap { $0.environmentNames + $0.negativeVariables }
            + PeerFlags.all.flatMap(\.environmentNames)
        for variable in parts.dropFirst().joined() where variable != "HF_TOKEN" {
            #expect(variables.contains(variable), "\(variable)")
        }
    }

    private func samplingDefaults(_ arguments: [String]) throws -> CompletionDefaults {
        try ServerConfiguration(try SettingParser(command: .serve).parse(arguments: arguments) { _ in nil })
            .completionDefaults
    }

    @Test func everySamplingFlagIsARequestsDefault() throws {
        let defaults = try samplingDefaults([
            "--seed", "42", "--sampling-seq", "kt", "--ignore-eos", "--logit-bias", "7+1.5,8-2", "--top-nsigma", "2",
            "--typical", "0.5", "--xtc-probability", "0.25", "--xtc-threshold", "0.125", "--dynatemp-range", "1",
            "--dynatemp-exp", "2", "--mirostat", "2", "--mirostat-ent", "4", "--mirostat-lr", "0.5",
            "--adaptive-target", "0.75", "--adaptive-decay", "0.5", "--dry-multiplier", "1", "--dry-base", "2",
            "--dry-allowed-length", "3", "--dry-penalty-last-n", "4", "--dry-sequence-breaker", "y",
            "--dry-sequence-breaker", "none", "--dry-sequence-breaker", "\\n", "--dry-sequence-breaker", "x,",
        ])
        var expected = CompletionDefaults()
        expected.seed = 42
        expected.ignoresEndOfGeneration = true
        expected.sampling.samplers = [.topK, .temperature]
        expected.sampling.logitBiases = [LogitBias(.token(7), bias: 1.5), LogitBias(.token(8), bias: -2)]
        expected.sampling.topNSigma = 2
        expected.sampling.typicalP = 0.5
        expected.sampling.xtcProbability = 0.25
        expected.sampling.xtcThreshold = 0.125
        expected.sampling.dynamicTemperatureRange = 1
        expected.sampling.dynamicTemperatureExponent = 2
        expected.sampling.mirostat = .second
        expected.sampling.mirostatTau = 4
        expected.sampling.mirostatEta = 0.5
        expected.sampling.adaptiveTarget = 0.75
        expected.sampling.adaptiveDecay = 0.5
        expected.sampling.dry.multiplier = 1
        expected.sampling.dry.base = 2
        expected.sampling.dry.allowedLength = 3
        expected.sampling.dry.lastN = 4
        expected.sampling.dry.sequenceBreakers = ["\n", "x,"]
        #expect(defaults == expected)
        #expect(
            try samplingDefaults(["--samplers", "top_k;temperature"]).sampling.samplers == [.topK, .temperature])
        #expect(try samplingDefaults(["--dry-sequence-breaker", "none"]).sampling.dry.sequenceBreakers == [])
        #expect(try samplingDefaults(["--seed", "-1"]).seed == nil)
        #expect(try samplingDefaults(["--seed", "4294967295"]).seed == nil)
        #expect(
            try samplingDefaults(["-l", "5-inf", "-l", "6 + 1"]).sampling.logitBiases
                == [LogitBias(.token(5), bias: -.infinity), LogitBias(.token(6), bias: 1)])
        #expect(
            try samplingDefaults(["--no-escape", "--dry-sequence-breaker", "\\n"]).sampling.dry.sequenceBreakers
                == ["\\n"])
        #expect(try samplingDefaults(["--temp", "-1", "--top-k", "-1"]).sampling.temperature == 0)
        #expect(try samplingDefaults(["--temp", "-1", "--top-k", "-1"]).sampling.topK == 0)
    }

    @Test(arguments: [
        (["--samplers", "top_k;tfs_z;min_p"], ["--samplers: Field 'samplers[1]'", "\"tfs_z\"; it was omitted."]),
        (["--sampling-seq", "kzm"], ["--sampling-seq: Field 'samplers'", "\"z\"; it was omitted."]),
        (["--sampler-seq", "kfm"], ["--sampling-seq: Field 'samplers'", "\"f\"; it was omitted."]),
    ])
    func anUnknownSamplerIsOmittedWithANotice(arguments: [String], parts: [String]) throws {
        var notices: [String] = []
        let values = try SettingParser(command: .serve).parse(arguments: arguments) { _ in nil }
        let defaults = try ServerConfiguration(values) { notices.append($0) }.completionDefaults
        #expect(defaults.sampling.samplers == [.topK, .minP])
        #expect(notices.count == 1)
        for part in parts { #expect(notices.first?.contains(part) == true, "\(notices)") }
        var body: JSONObject = ["messages": [["role": "user", "content": "Hi"]]]
        body["samplers"] = ["top_k", "tfs_z", "min_p"]
        let request = try ChatCompletionRequest(.object(body), defaults: CompletionDefaults(), randomSeed: 1)
        #expect(request.options.sampling.samplers == defaults.sampling.samplers)
    }

    @Test func samplersOfTheEnvironmentAndNoneAreAccepted() throws {
        var notices: [String] = []
        let variables = ["LLAMA_ARG_SAMPLERS": "magic"]
        let values = try SettingParser(command: .serve).parse(arguments: []) { variables[$0] }
        #expect(try ServerConfiguration(values) { notices.append($0) }.completionDefaults.sampling.samplers == [])
        #expect(notices.count == 1)
        #expect(try samplingDefaults(["--samplers", ""]).sampling.samplers == [])
        #expect(try samplingDefaults(["--sampling-seq="]).sampling.samplers == [])
    }

    @Test(arguments: [
        (["--samplers", "top_k", "--sampling-seq", "k"], "--samplers and --sampling-seq"),
        (["--logit-bias", "7"], "--logit-bias must be"), (["--logit-bias", "-7+1"], "--logit-bias must be"),
        (["--logit-bias", "7+inf"], "--logit-bias must be"), (["--logit-bias", "7-nan"], "--logit-bias must be"),
    ])
    func aBadSamplingFlagIsRefusedByName(arguments: [String], expected: String) {
        let error = #expect(throws: SettingError.self) { try samplingDefaults(arguments) }
        #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
    }

    // MARK: Chat templates

    private func template(_ arguments: [String]) throws -> String? {
        try ServerConfiguration(try SettingParser(command: .serve).parse(arguments: arguments) { _ in nil })
            .chatTemplate
    }

    @Test(arguments: BuiltInTemplate.names) func aNameMeansABuiltInTemplate(name: String) throws {
        #expect(try template(["--chat-template", name]) == BuiltInTemplate.source(named: name))
    }

    @Test(arguments: [
        ("{{ prompt }}", "--chat-template: the template never reads 'messages'"),
        ("{% if %}", "--chat-template: "), ("{{ messages | nofilter }}", "--chat-template: "),
        (
            "{% if false %}{{ messages }}{% endif %}Hi",
            "--chat-template: the template shows no message of a user"
        ),
        (
            "lama3",
            "--chat-template must be a template that reads 'messages' or the name of a built-in template, not 'lama3'; did you mean llama3? names are chatml, llama3,"
        ),
        ("Hello", "--chat-template must be a template that reads 'messages' or "),
    ])
    func aTemplateThatIsNoneIsRefusedAtStart(text: String, expected: String) {
        let error = #expect(throws: SettingError.self) { try template(["--chat-template", text]) }
        #expect(error?.description.hasPrefix(expected) == true, "\(error?.description ?? "")")
    }

    @Test(arguments: ["", " \n", "chatml", "{{ bos_token }}", "{% for m in messages %}"])
    func aFileWithoutATemplateIsRefusedAtStart(text: String) throws {
        let path = FileManager.default.temporaryDirectory.appending(path: "martlet-\(UUID()).jinja")
        try Data(text.utf8).write(to: path)
        defer { try? FileManager.default.removeItem(at: path) }
        let error = #expect(throws: SettingError.self) { try template(["--chat-template-file", path.path]) }
        #expect(error?.description.hasPrefix("--chat-template-file: \(path.path): ") == true)
        try Data("{% for m in messages %}{{ m.content }}{% endfor %}".utf8).write(to: path)
        #expect(try template(["--chat-template-file", path.path])?.hasPrefix("{% for") == true)
    }

    @Test func programsGetTheWholeTable() throws {
        let table = try #require(SettingHelp.json().arrayValue)
        #expect(table.compactMap { $0["name"]?.stringValue } == SettingTable.all.map(\.key.rawValue))
        let port = try #require(table.first { $0["name"] == "port" })
        #expect(port["minimum"] == 0 && port["maximum"] == 65_535 && port["default"] == "8080")
        #expect(port["environment"]?.arrayValue?.contains("LLAMA_ARG_PORT") == true)
    }

    @Test func nearestIsMeasuredInTypingErrors() {
        #expect(EditDistance.distance("--port", "--prot") == 1)
        #expect(EditDistance.distance("", "abc") == 3)
        #expect(EditDistance.distance("kitten", "sitting") == 3)
        #expect(EditDistance.nearest(to: String(repeating: "x", count: 1000), among: ["--port"]) == nil)
    }
}
