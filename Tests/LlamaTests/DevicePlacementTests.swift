import CLlama
import Testing

@testable import Llama

@Suite struct DevicePlacementTests {
    private func message(_ tensors: [String] = ["blk.0.ffn_up.weight"], _ change: (inout DevicePlacement) -> Void)
        -> String
    {
        var placement = DevicePlacement()
        change(&placement)
        do throws(LlamaError) {
            try placement.check(tensors)
            return "accepted"
        } catch {
            return error.message
        }
    }

    @Test func aDeviceThatIsNotThereListsThoseThatAre() {
        #expect(message { $0.devices = ["CUDA7"] }.hasPrefix("--device: there is no device 'CUDA7'; "))
        #expect(message { $0.devices = [] } == "accepted")
        // The CPU is no device to choose, as in llama-server.
        #expect(message { $0.devices = ["CPU"] }.contains("there is no device 'CPU'"))
    }

    @Test func sharesNeedOneNumberPerDevice() {
        #expect(
            message {
                $0.devices = []; $0.shares = [3, 1]
            } == "--tensor-split has 2 numbers, and 0 devices are used.")
        #expect(
            message {
                $0.devices = []; $0.mainDevice = 1
            }.contains("--main-gpu must be below the number of devices"))
    }

    /// Modes that this build cannot do are named; libllama's own message names neither flag nor remedy.
    @Test func aSplitModeNeedsDevicesThatCanDoIt() {
        #expect(
            message {
                $0.devices = []; $0.splitMode = .tensor
            } == "--split-mode tensor needs a device, and none is used beside the CPU; use 'layer'.")
        for mode in [DevicePlacement.SplitMode.none, .layer, .row] {
            #expect(
                message {
                    $0.devices = []; $0.splitMode = mode
                } == "accepted")
        }
    }

    @Test func aRuleNeedsAMatchingTensorAndAKnownType() {
        #expect(message { $0.tensorRules = [.init(pattern: "ffn_.*", bufferType: "CPU")] } == "accepted")
        #expect(
            message { $0.tensorRules = [.init(pattern: "fnf_", bufferType: "CPU")] }
                == "--override-tensor: 'fnf_' matches no tensor of the model.")
        #expect(
            message { $0.tensorRules = [.init(pattern: "ffn_", bufferType: "GPU9")] }
                .hasPrefix("--override-tensor: there is no buffer type 'GPU9'; the types are CPU"))
        #expect(
            message { $0.tensorRules = [.init(pattern: "(", bufferType: "CPU")] }.contains("is no regular expression"))
    }

    @Test func expertLayersBecomeRulesOfLlamaServer() throws {
        var placement = DevicePlacement()
        placement.hostExpertLayerCount = 2
        placement.hostNetworkLayerCount = 1
        let patterns = placement.rules(layerCount: 4).map(\.pattern)
        #expect(
            patterns == [
                #"blk\.0\.ffn_(up|down|gate|gate_up)_(ch|)exps"#, #"blk\.1\.ffn_(up|down|gate|gate_up)_(ch|)exps"#,
                #"blk\.0\.ffn_(up|down|gate)\."#,
            ])
        placement.hostExpertLayerCount = .max
        #expect(placement.rules(layerCount: 4).first?.pattern == #"\.ffn_(up|down|gate|gate_up)_(ch|)exps"#)
        let expression = try Regex(patterns[0])
        #expect("blk.0.ffn_up_exps.weight".firstMatch(of: expression) != nil)
        #expect("blk.0.ffn_up.weight".firstMatch(of: expression) == nil)
    }

    @Test(arguments: [
        "a=int:5", "general.name=str:x=y", "tokenizer.ggml.add_bos_token=bool:false", "a.b=float:1.5", "a=str:",
    ]) func overridesOfLlamaServerAreRead(text: String) { #expect(MetadataOverride(text) != nil) }

    @Test(arguments: [
        "a", "=int:5", "a=int:x", "a=bool:1", "a=float:nan", "a=list:1", "a=int",
        "\(String(repeating: "k", count: 128))=int:1",
        "a=str:\(String(repeating: "v", count: 128))",
    ]) func overridesOfOtherFormsAreRefused(text: String) { #expect(MetadataOverride(text) == nil) }

    @Test func anOverrideHasLibllamasForm() throws {
        var raw = try #require(MetadataOverride("llama.context_length=int:77")).raw
        #expect(raw.tag == LLAMA_KV_OVERRIDE_TYPE_INT && raw.val_i64 == 77)
        let key = withUnsafeBytes(of: &raw.key) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        #expect(key == "llama.context_length")
    }

    @Test func anOverrideChangesTheLoadedModel() throws {
        let path =
            #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/Models/fledgling.Q8_0.gguf"
        var options = Model.Options()
        let architecture = try #require(try Model(path: path, options: options).metadata("general.architecture"))
        options.overrides = [try #require(MetadataOverride("\(architecture).context_length=int:1024"))]
        options.placement.devices = []
        options.placement.tensorRules = [.init(pattern: "attn_.*", bufferType: "CPU")]
        #expect(try Model(path: path, options: options).trainedContextLength == 1_024)
    }

    @Test func modulesAndRemoteDevicesNeedTheirParts() {
        #expect(throws: LlamaError.self) { try LlamaSystem.loadModules(path: "/nowhere/libggml-x.so") }
        #expect(throws: Never.self) { try LlamaSystem.loadModules(path: nil) }
        if !LlamaSystem.backends.contains("RPC") {
            do throws(LlamaError) {
                try LlamaSystem.addRemoteDevices(["127.0.0.1:1"])
                Issue.record("no RPC backend")
            } catch {
                #expect(error.message.contains("this libllama has no RPC backend; its backends are CPU"))
            }
        }
    }
}
