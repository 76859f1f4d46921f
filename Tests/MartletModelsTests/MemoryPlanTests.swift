import MartletGGUF
import Testing

@testable import MartletModels

@Suite struct MemoryPlanTests {
    private func shape(_ model: SampleModel) throws -> ModelShape { ModelShape(try GGUFHeader(GGUFBytes(model.bytes))) }

    /// A model with attention in all layers: 2 KV heads of 32 elements.
    private func attention(_ architecture: String, layers: UInt32, _ change: (inout SampleModel) -> Void = { _ in })
        throws
        -> ModelShape
    {
        var model = SampleModel(architecture)
        model.integer("\(architecture).block_count", layers)
        model.integer("\(architecture).embedding_length", 128)
        model.integer("\(architecture).feed_forward_length", 256)
        model.integer("\(architecture).attention.head_count", 4)
        model.integer("\(architecture).attention.key_length", 32)
        model.integer("\(architecture).attention.value_length", 32)
        change(&model)
        return try shape(model)
    }

    private func cache(_ shape: ModelShape, _ length: Int, unified: Bool = true) -> UInt64 {
        var request = LoadRequest(contextLength: length)
        request.usesUnifiedKV = unified
        return MemoryPlan(shape, request).host.cache
    }

    // The expected sizes are those that libllama 0.5 prints for models of these shapes.

    @Test func aDenseModelStoresEveryToken() throws {
        let shape = try attention("qwen3", layers: 2) { $0.integer("qwen3.attention.head_count_kv", 2) }
        #expect(shape.memory == .dense)
        #expect(cache(shape, 4_096) == 2 << 20)
        #expect(cache(shape, 4_096, unified: false) == 8 << 20)
        #expect(cache(shape, 4_097) == 4_352 * 512)
    }

    /// 64 tokens, 4,096 cells and 4 heads of 32-bit floats are 4 MiB; flash attention has only a mask.
    @Test func plainAttentionHasAProductOfAllPairs() throws {
        let shape = try attention("qwen3", layers: 2) { $0.integer("qwen3.attention.head_count_kv", 2) }
        var request = LoadRequest(shape, contextLength: 4_096, sequenceCount: 4, available: 8 << 30)
        #expect(!request.usesUnifiedKV && !request.usesFlashAttention && request.microBatchSize == 64)
        let plain = MemoryPlan(shape, request).host.compute
        request.setAttention(flash: true, microBatchSize: 64)
        #expect(request.usesFlashAttention && request.microBatchSize == 64)
        #expect(plain - MemoryPlan(shape, request).host.compute > 3 << 20)
        request.setAttention(flash: false, microBatchSize: 512)
        #expect(!request.usesFlashAttention && request.microBatchSize == 512)
        request.devices = [LoadRequest.Device(name: "GPU", freeByteCount: 1 << 30)]
        request.setAttention(flash: nil, microBatchSize: 512)
        #expect(request.usesFlashAttention)
        #expect(LoadRequest(shape, contextLength: 1_024, sequenceCount: 4, available: 8 << 30).usesFlashAttention)
    }

    /// The processor converts the products of plain attention to 16-bit floats: half of their bytes again.
    @Test func plainAttentionNeedsScratchMemoryForItsProducts() throws {
        let shape = try attention("qwen3", layers: 2) { $0.integer("qwen3.attention.head_count_kv", 2) }
        var request = LoadRequest(shape, contextLength: 16_384, sequenceCount: 4, available: 8 << 30)
        let half = MemoryPlan(shape, request).host.compute
        request.valueType = try #require(LoadRequest.ElementType("f32"))
        // 64 tokens, 16,384 cells, 4 heads, 2 bytes, without what the network needs for the same purpose.
        #expect(half - MemoryPlan(shape, request).host.compute == 8 << 20 - 64 * 256 * 2)
    }

    /// The second context of a server for vectors computes the logits of each token of a batch.
    @Test func aContextForVectorsIsPartOfThePlan() throws {
        let shape = try attention("qwen3", layers: 2) {
            $0.integer("qwen3.attention.head_count_kv", 2)
            $0.texts("tokenizer.ggml.tokens", (0..<10_000).map { "\($0)" })
        }
        var request = LoadRequest(shape, contextLength: 4_096, sequenceCount: 4, available: 8 << 30)
        let plain = MemoryPlan(shape, request)
        request.embedding = .init(contextLength: 512, batchSize: 512, usesFlashAttention: false)
        let both = MemoryPlan(shape, request)
        #expect(both.host.cache - plain.host.cache == 512 * 512)
        // Logits in the graph and in the output, 512 rows each.
        #expect(both.host.compute - plain.host.compute > 2 * 512 * 10_000 * 4)
        #expect(both.host.compute - plain.host.compute < 2 * 512 * 10_000 * 4 + 16 << 20)
    }

    /// A shared cache retains 64 entries, so layers with a window have place for 64 windows.
    @Test func aSharedWindowHasPlaceForAllEntries() throws {
        let shape = try attention("gemma3", layers: 6) {
            $0.integer("gemma3.attention.head_count_kv", 2)
            $0.integer("gemma3.attention.sliding_window", 128)
        }
        #expect(cache(shape, 32_768) == (5 * (64 * 128 + 512) + 32_768) * 256)
        #expect(cache(shape, 4_096) == 6 * 4_096 * 256)
        #expect(cache(shape, 32_768, unified: false) == 4 * (5 * 768 + 32_768) * 256)
    }

    /// The tokens of an encoder attend to each other; it has no KV cache and computes no logits.
    @Test func anEncoderHasNoCacheAndNoLogits() throws {
        let shape = try attention("bert", layers: 2) {
            $0.texts("tokenizer.ggml.tokens", (0..<10_000).map { "\($0)" })
        }
        #expect(shape.memory == .none && cache(shape, 4_096) == 0)
        var request = LoadRequest(shape, contextLength: 4_096, sequenceCount: 4, available: 8 << 30)
        request.embedding = .init(contextLength: 512, batchSize: 512, usesFlashAttention: false)
        let compute = MemoryPlan(shape, request).host.compute
        #expect(compute > 512 * 512 * 4 * 4 && compute < 12 << 20)
    }

    @Test func aWindowedLayerStoresItsWindow() throws {
        let shape = try attention("gemma3", layers: 6) {
            $0.integer("gemma3.attention.head_count_kv", 2)
            $0.integer("gemma3.attention.sliding_window", 128)
        }
        #expect(shape.memory == .slidingWindow && shape.layers.count(where: \.isWindowed) == 5)
        // 64 windows of 128 and a micro-batch of 512 are 8,704 cells; one layer has all 32,768.
        #expect(cache(shape, 32_768) == (5 * 8_704 + 32_768) * 256)
        var request = LoadRequest(contextLength: 32_768)
        request.keepsFullWindow = true
        #expect(MemoryPlan(shape, request).host.cache == 6 * 32_768 * 256)
    }

    @Test func aHybridModelHasStatesAndAKVCache() throws {
        let convolution = try attention("lfm2", layers: 4) {
            $0.integers("lfm2.attention.head_count_kv", [0, 2, 0, 2])
            $0.integer("lfm2.shortconv.l_cache", 3)
        }
        #expect(convolution.memory == .hybrid)
        #expect(cache(convolution, 4_096) == 2 * 4_096 * 256 + 2 * 4 * 4 * (128 * 2))
        let delta = try attention("qwen35", layers: 4) {
            $0.integer("qwen35.attention.head_count_kv", 2)
            $0.integer("qwen35.full_attention_interval", 4)
            $0.integer("qwen35.ssm.conv_kernel", 4)
            $0.integer("qwen35.ssm.state_size", 32)
            $0.integer("qwen35.ssm.group_count", 2)
            $0.integer("qwen35.ssm.inner_size", 128)
        }
        // libllama: 1.00 MiB of KV cache, 0.04 MiB and 0.19 MiB of states.
        #expect(cache(delta, 4_096) == (1 << 20) + 3 * 4 * 4 * (3 * 256 + 32 * 128))
    }

    @Test func aRecurrentModelNeedsTheSameForEveryContext() throws {
        var model = SampleModel("mamba")
        model.integer("mamba.block_count", 2)
        model.integer("mamba.embedding_length", 128)
        model.integer("mamba.ssm.conv_kernel", 4)
        model.integer("mamba.ssm.inner_size", 256)
        model.integer("mamba.ssm.state_size", 16)
        let shape = try shape(model)
        #expect(shape.memory == .recurrent)
        #expect(cache(shape, 256) == 2 * 4 * 4 * (3 * 256 + 16 * 256))
        #expect(cache(shape, 256) == cache(shape, 1 << 20))
    }

    @Test func latentAttentionStoresOneVectorPerToken() throws {
        let shape = try attention("deepseek2", layers: 3) {
            $0.integer("deepseek2.attention.head_count_kv", 1)
            $0.integer("deepseek2.attention.key_length_mla", 192)
            $0.integer("deepseek2.attention.value_length_mla", 128)
        }
        #expect(shape.memory == .latent)
        #expect(cache(shape, 256) == 3 * 256 * 32 * 2)
    }

    @Test func quantizedTypesNeedFewerBytes() throws {
        let shape = try attention("qwen3", layers: 2) { $0.integer("qwen3.attention.head_count_kv", 2) }
        var request = LoadRequest(contextLength: 4_096)
        request.keyType = try #require(LoadRequest.ElementType("q8_0"))
        request.valueType = try #require(LoadRequest.ElementType("q4_0"))
        #expect(MemoryPlan(shape, request).host.cache == 2 * 4_096 * (2 * 34 + 2 * 18))
        #expect(LoadRequest.ElementType("q9") == nil)
    }

    /// A model of 4 layers of 1 KiB, with 64 bytes of embeddings and 32 bytes of output.
    private func weights(experts: Bool = false) throws -> ModelShape {
        var model = SampleModel("llama")
        model.integer("llama.block_count", 4)
        model.tensor("token_embd.weight", 16)
        for layer in 0..<4 { model.tensor("blk.\(layer).\(experts ? "ffn_up_exps" : "attn_q").weight", 256) }
        model.tensor("output_norm.weight", 8)
        return try shape(model)
    }

    private func placed(_ count: Int, _ shares: [Double], experts: Int = 0) throws -> MemoryPlan {
        var request = LoadRequest(contextLength: 256)
        request.deviceLayerCount = count
        request.hostExpertLayerCount = experts
        request.devices = shares.enumerated().map {
            LoadRequest.Device(name: "GPU\($0.offset)", freeByteCount: 1 << 30, share: $0.element)
        }
        return MemoryPlan(try weights(experts: experts > 0), request)
    }

    @Test func theLastLayersAreOnDevices() throws {
        #expect(try placed(0, [1]).devices[0].weights == 0)
        let two = try placed(2, [1])
        #expect(two.devices[0].layerCount == 1 && two.host.layerCount == 3)
        // The output is the last layer of libllama's count; without an own matrix the device copies the embeddings.
        #expect(two.devices[0].weights == 1_024 + 32 + 64)
        let all = try placed(5, [3, 1])
        #expect(all.devices.map(\.layerCount) == [4, 0] || all.devices.map(\.layerCount) == [3, 1])
        #expect(all.host.weights == 64)
        #expect(try placed(1_000, [1]).devices[0].layerCount == 4)
    }

    @Test func expertsOfTheFirstLayersStayInHostMemory() throws {
        let plan = try placed(5, [1], experts: 2)
        #expect(plan.host.weights == 2 * 1_024 + 64)
        #expect(plan.devices[0].weights == 2 * 1_024 + 32 + 64)
    }

    @Test func theLargestContextIsTheLastThatFits() throws {
        let shape = try attention("qwen3", layers: 2) { $0.integer("qwen3.attention.head_count_kv", 2) }
        let request = LoadRequest(contextLength: 0)
        let free = MemoryFit.Free(host: 80 << 20)
        let length = try #require(MemoryFit.largestContextLength(shape, request, in: free, upTo: 1 << 20))
        var fitting = request
        fitting.contextLength = length
        #expect(MemoryFit.fits(MemoryPlan(shape, fitting), in: free))
        fitting.contextLength = length + 256
        #expect(!MemoryFit.fits(MemoryPlan(shape, fitting), in: free))
        #expect(MemoryFit.largestContextLength(shape, request, in: .init(host: 1 << 20), upTo: 1 << 20) == nil)
        #expect(MemoryFit.largestContextLength(shape, request, in: .init(host: 1 << 40), upTo: 4_096) == 4_096)
    }

    @Test func asManyLayersAsFitAreOnTheDevice() throws {
        var request = LoadRequest(contextLength: 256)
        request.devices = [LoadRequest.Device(name: "GPU0", freeByteCount: 1 << 40)]
        let shape = try weights()
        #expect(MemoryFit.deviceLayerCount(shape, request, in: .init(host: 0, devices: [1 << 40])) == 5)
        #expect(MemoryFit.deviceLayerCount(shape, request, in: .init(host: 0, devices: [1 << 10])) == 0)
        request.devices = []
        #expect(MemoryFit.deviceLayerCount(shape, request, in: .init(host: 0)) == 0)
    }

    /// Numbers from a file must not overflow.
    @Test func absurdNumbersDoNotTrap() throws {
        let shape = try attention("qwen3", layers: 1_024) {
            $0.integer("qwen3.attention.head_count_kv", 65_536)
            $0.integer("qwen3.context_length", 2_147_483_647)
        }
        var request = LoadRequest(shape, contextLength: 0, sequenceCount: 256, available: .max)
        #expect(request.contextLength >= 256)
        request.contextLength = Int(Int32.max)
        request.usesUnifiedKV = false
        #expect(MemoryPlan(shape, request).total > 0)
    }

    /// The devices of a pool have one order; a model uses some of them in an order of its own.
    @Test func theSharesOfAPlanStandAtTheDevicesOfThePool() throws {
        let shape = try attention("qwen3", layers: 4)
        var request = LoadRequest(contextLength: 256)
        request.devices = [
            LoadRequest.Device(name: "GPU2", freeByteCount: 1 << 40, share: 1),
            LoadRequest.Device(name: "GPU0", freeByteCount: 1 << 40, share: 1),
        ]
        request.deviceLayerCount = 5
        let plan = MemoryPlan(shape, request)
        let amount = MemoryAmount(plan, among: ["GPU0", "GPU1", "GPU2"])
        #expect(amount.bytes == [plan.host.total, plan.devices[1].total, 0, plan.devices[0].total])
        #expect(amount.bytes[3] > 0 && amount.bytes[1] > 0)
        #expect(MemoryAmount(plan, among: []).bytes == [plan.host.total])
    }

    /// Two models that each fill a device swap; a third one on the host stays.
    @Test func thePolicyCountsEachDevice() {
        var policy = LifecyclePolicy(capacity: MemoryAmount(100, 10))
        let now = ContinuousClock.now
        func register(_ host: UInt64, _ device: UInt64) -> ModelNumber {
            policy.register(LifecyclePolicy.Registration(needs: MemoryAmount(host, device)), at: now)
        }
        let (a, b, c) = (register(5, 8), register(5, 8), register(50, 0))
        for (number, model) in [c, a].enumerated() {
            let request = RequestNumber(UInt64(number))
            #expect(policy.handle(.request(request, model), at: now) == [.startLoad(model)])
            _ = policy.handle(.ready(model, used: nil), at: now)
            _ = policy.handle(.ended(request), at: now)
        }
        #expect(policy.handle(.request(RequestNumber(9), b), at: now) == [.stop(a, kills: false)])
        #expect(policy.phase(of: c) == .ready)
        #expect(policy.preview(of: b).room == MemoryAmount(100, 10))
    }
}
