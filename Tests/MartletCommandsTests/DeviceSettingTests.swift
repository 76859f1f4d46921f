import Llama
import MartletDownloads
import MartletEngine
import MartletModels
import MartletPool
import Testing

@testable import MartletCommands

@Suite struct DeviceSettingTests {
    private func engine(_ arguments: String...) throws -> EngineConfiguration {
        try EngineConfiguration(
            modelPath: "x", try SettingParser(command: .worker).parse(arguments: arguments) { _ in nil })
    }

    private func message(_ arguments: String...) -> String {
        do {
            _ = try EngineConfiguration(
                modelPath: "x", try SettingParser(command: .worker).parse(arguments: arguments) { _ in nil })
            return "accepted"
        } catch {
            return "\(error)"
        }
    }

    @Test func theFlagsOfFittingReachTheEngine() throws {
        let fit = try engine("--fit", "off", "-fitt", "512,1024", "-fitc", "4096").fit
        #expect(!fit.isOn && fit.deviceMargins == [512 << 20, 1 << 30] && fit.minimumContextLength == 4_096)
        #expect(try engine().fit == EngineConfiguration(modelPath: "y").fit)
        #expect(message("--fit-target", "a").contains("whole numbers of MiB from 0 to 16777216, not 'a'"))
    }

    @Test func llamaServersDeviceFlagsReachTheEngine() throws {
        var expected = DevicePlacement()
        expected.devices = ["CUDA0", "CUDA1"]
        expected.splitMode = .row
        expected.shares = [3, 1]
        expected.mainDevice = 1
        expected.tensorRules = [
            .init(pattern: "ffn_.*", bufferType: "CPU"), .init(pattern: "a=b", bufferType: "CUDA0"),
        ]
        expected.hostExpertLayerCount = 2
        expected.hostNetworkLayerCount = 3
        let configuration = try engine(
            "-dev", "CUDA0,CUDA1", "-sm", "row", "-ts", "3,1", "-mg", "1", "-ot", "ffn_.*=CPU,a=b=CUDA0", "-ncmoe", "2",
            "-ncffn", "3", "--override-kv", "a=int:1", "-ngl", "all")
        #expect(configuration.devicePlacement == expected)
        #expect(configuration.metadataOverrides == [MetadataOverride("a=int:1")])
        #expect(configuration.gpuLayers == -1)
        #expect(try engine("-dev", "none").devicePlacement.devices == [])
        #expect(try engine("-cmoe").devicePlacement.hostExpertLayerCount == .max)
        #expect(try engine("-ts", "3/1").devicePlacement.shares == [3, 1])
        #expect(try engine("-ngl", "auto").gpuLayers == nil && engine().gpuLayers == nil)
        #expect(try engine("--rpc", "10.0.0.1:50052", "--no-sandbox").remoteServers == ["10.0.0.1:50052"])
    }

    @Test(arguments: [
        (["-dev", "none,CUDA0"], "--device must be 'none' alone or names of devices, not 'none,CUDA0'"),
        (
            ["-ts", "3,x"],
            "--tensor-split must be numbers of 0 or more with commas between them, one above 0, not '3,x'"
        ),
        (
            ["-ts", "0,0"],
            "--tensor-split must be numbers of 0 or more with commas between them, one above 0, not '0,0'"
        ),
        (["-ot", "ffn"], "--override-tensor must be a pattern, an equals sign and a buffer type, not 'ffn'"),
        (["-cmoe", "-ncmoe", "1"], "--cpu-moe and --n-cpu-moe exclude each other"),
        (["--rpc", "h:1"], "--rpc needs --no-sandbox, because the worker's sandbox has no network"),
        (["--no-sandbox", "--rpc", "host"], "--rpc must be HOST:PORT with a port from 1 to 65535, not 'host'"),
        (["-sm", "rows"], "-sm must be one of none, layer, row, tensor, not 'rows'"),
    ]) func aWrongDeviceFlagNamesItsRule(arguments: [String], expected: String) throws {
        let error = #expect(throws: SettingError.self) {
            try EngineConfiguration(
                modelPath: "x", try SettingParser(command: .worker).parse(arguments: arguments) { _ in nil })
        }
        #expect(error?.description == expected)
    }

    // MARK: Downloads before serving

    private func request(
        _ text: String, isRepository: Bool = false, token: String? = nil, _ environment: [String: String] = [:]
    ) throws -> DownloadRequest {
        let variables = environment.merging(["HOME": "/home/u"]) { first, _ in first }
        return try DownloadRequest(
            text, isRepository: isRepository, file: nil, folder: nil, token: token, isOffline: false,
            environment: { variables[$0] })
    }

    @Test func aSourceIsARepositoryOrAnAddress() throws {
        guard case .repository(let reference, nil) = try request("org/m:q8_0").source else {
            return #expect(Bool(false))
        }
        #expect(reference.description == "org/m:Q8_0")
        guard case .address = try request("https://x/m.gguf").source else { return #expect(Bool(false)) }
        for text in ["m", "a/b/c", "../x"] { #expect(throws: DownloadError.self) { try request(text) } }
        #expect(throws: DownloadError.self) { try request("https://x/m.gguf", isRepository: true) }
    }

    @Test func variablesOfOtherToolsApply() throws {
        let request = try request(
            "org/m", ["HF_ENDPOINT": "https://mirror.example/", "HF_TOKEN": "hf_x", "HTTPS_PROXY": "http://proxy:3128"])
        #expect(request.settings.endpoint.host == "mirror.example" && request.settings.token == "hf_x")
        #expect(request.settings.proxies.proxy(for: request.settings.endpoint)?.port == 3_128)
        #expect(request.cache.folder == "/home/u/.cache/huggingface/hub")
        let exempt = try self.request("org/m", ["HTTPS_PROXY": "proxy:1", "NO_PROXY": "localhost, .huggingface.co"])
        #expect(exempt.settings.proxies.proxy(for: exempt.settings.endpoint) == nil)
        #expect(try self.request("org/m", ["HF_HUB_OFFLINE": "1"]).isOffline)
        #expect(throws: DownloadError.self) { try self.request("org/m", token: "a\r\nHost: x") }
    }

    @Test func aModelAndADownloadExcludeEachOther() async throws {
        let parser = SettingParser(command: .serve)
        for (arguments, expected) in [
            (["-m", "a.gguf", "-hf", "org/m"], "--model and --hf-repo exclude each other"),
            (["-hf", "org/m", "-mu", "https://x/y.gguf"], "--hf-repo and --model-url are both set; leave one out"),
            (["--hf-file", "x"], "--hf-file needs --hf-repo"),
        ] {
            let values = try parser.parse(arguments: arguments) { _ in nil }
            await #expect(throws: SettingError(expected)) { try await PulledModel.fetch(values) }
        }
        let wrong = try parser.parse(arguments: ["-hf", "nothing"]) { _ in nil }
        await #expect(throws: SettingError.self) { try await PulledModel.fetch(wrong) }
        #expect(try await PulledModel.fetch(try parser.parse(arguments: []) { _ in nil }) == nil)
    }

    @Test func aWorkersListOfDevicesIsRead() {
        let text = #"[{"name":"CUDA0","gpu":true,"free":1000},{"name":"RPC0","gpu":false,"free":7}]"# + "\n"
        #expect(
            DeviceProbe.devices(in: Array(text.utf8)) == [
                ReportedDevice(name: "CUDA0", isGPU: true, freeByteCount: 1_000),
                ReportedDevice(name: "RPC0", isGPU: false, freeByteCount: 7),
            ])
        #expect(DeviceProbe.devices(in: Array("[]".utf8)) == [])
        for text in ["", "{}", "[1]", #"[{"name":"x"}]"#, #"[{"name":"x","free":-1}]"#] {
            #expect(DeviceProbe.devices(in: Array(text.utf8)) == nil, "\(text)")
        }
    }

    /// The margin is left free on each device, as on the host.
    @Test func thePoolMayUseTheDevices() throws {
        let values = try SettingParser(command: .serve)
            .parse(arguments: ["--models-dir", "/m", "--models-memory-margin", "100"]) { _ in nil }
        let devices = [
            ReportedDevice(name: "CUDA0", isGPU: true, freeByteCount: 1_000 << 20),
            ReportedDevice(name: "CUDA1", isGPU: true, freeByteCount: 50 << 20),
        ]
        #expect(PoolPlan.settings(values, ModelSources(), devices).capacity.bytes[1...] == [900 << 20, 0])
    }
}
