/// The memory that a load needs, on the host and on each device.
///
/// A pure function of the model's head and of the request. `docs/models.md` compares it with measured figures.
package struct MemoryPlan: Sendable, Equatable {
    /// The bytes on one device or on the host.
    package struct Share: Sendable, Equatable {
        /// The device's name; `nil` = host memory.
        package var device: String?
        package var weights: UInt64 = 0
        /// The KV cache, and the running states of recurrent layers.
        package var cache: UInt64 = 0
        /// Intermediate results of a decode, logits included.
        package var compute: UInt64 = 0
        package var projector: UInt64 = 0
        package var draft: UInt64 = 0
        /// The program, its libraries and the vocabulary; on a device, its driver.
        package var overhead: UInt64 = 0
        /// The number of layers.
        package var layerCount = 0

        /// The sum of all parts; `UInt64.max` if the sum is larger.
        package var total: UInt64 {
            [weights, cache, compute, projector, draft, overhead].reduce(0) { sum, part in
                let (result, overflow) = sum.addingReportingOverflow(part)
                return overflow ? .max : result
            }
        }
    }

    package var host: Share
    package var devices: [Share]

    /// Host and devices.
    package var shares: [Share] { [host] + devices }

    /// The bytes of all shares.
    package var total: UInt64 { shares.reduce(0) { $0.addingReportingOverflow($1.total).partialValue } }

    /// Computes the memory of a load.
    package init(_ shape: ModelShape, _ request: LoadRequest) {
        let placement = LayerPlacement(shape, request)
        var shares = [Share(device: nil)] + request.devices.map { Share(device: $0.name) }
        for (index, layer) in shape.layers.enumerated() {
            let owner = placement.owners[index]
            let hostExperts = index < request.hostExpertLayerCount ? min(layer.expertBytes, layer.weightBytes) : 0
            shares[owner].weights &+= layer.weightBytes - hostExperts
            shares[0].weights &+= hostExperts
            shares[owner].layerCount += 1
        }
        shares[0].weights &+= shape.inputBytes
        shares[placement.outputOwner].weights &+= shape.outputBytes
        // A device that computes the logits has its own copy of embeddings that are also the output matrix.
        if shape.sharesEmbeddings, placement.outputOwner > 0 {
            shares[placement.outputOwner].weights &+= shape.inputBytes
        }
        for context in request.contexts { Self.add(context, of: shape, placement, to: &shares) }
        for index in shares.indices where index == 0 || shares[index].weights > 0 {
            shares[index].overhead = index == 0 ? Self.processByteCount(shape, request) : Self.deviceOverhead
        }
        let main = request.devices.isEmpty || request.deviceLayerCount == 0 ? 0 : 1
        shares[main].projector = request.projectorBytes
        shares[main].draft = request.draftBytes
        host = shares.removeFirst()
        devices = shares
    }

    /// Adds the memory of one context: KV cache, intermediate results, and the rows of the output in host memory.
    private static func add(
        _ context: LoadRequest, of shape: ModelShape, _ placement: LayerPlacement, to shares: inout [Share]
    ) {
        for (index, layer) in shape.layers.enumerated() {
            let owner = context.offloadsKVCache ? placement.owners[index] : 0
            shares[owner].cache &+= cacheByteCount(of: layer, shape, context)
        }
        for index in shares.indices where index == 0 || shares[index].weights > 0 {
            shares[index].compute &+= computeByteCount(
                shape, context, isHost: index == 0, hasOutput: index == placement.outputOwner)
        }
        shares[0].compute &+= UInt64(context.usedOutputCount) &* UInt64(logitCount(shape)) &* float
    }

    // MARK: KV cache

    /// libllama's granularity of a KV cache in tokens.
    private static let cacheStep = 256

    /// A number of tokens as libllama rounds it up.
    static func rounded(_ tokens: Int) -> Int { (max(tokens, 1) + cacheStep - 1) / cacheStep * cacheStep }

    /// The cells of one KV cache in a layer: all tokens, or those of the window.
    ///
    /// The window of a cache that all sequences share has place for the windows of all entries.
    private static func cellCount(isWindowed: Bool, _ shape: ModelShape, _ request: LoadRequest) -> Int {
        let tokens = rounded(request.contextLength)
        guard isWindowed, !request.keepsFullWindow else { return tokens }
        let entries = request.usesUnifiedKV ? request.entryCount(hasRecurrentState: shape.hasRecurrentState) : 1
        return min(tokens, rounded(shape.window * entries + request.microBatchSize))
    }

    /// Bytes of one layer: keys and values of every token, or of the window, or a state per sequence.
    private static func cacheByteCount(
        of layer: ModelShape.Layer, _ shape: ModelShape, _ request: LoadRequest
    ) -> UInt64 {
        let streams = request.usesUnifiedKV ? 1 : request.sequenceCount
        let row =
            request.keyType.byteCount(layer.keyElements) &+ request.valueType.byteCount(layer.valueElements)
        let states = layer.stateElements &* 4 &* UInt64(request.sequenceCount)
        let cells = cellCount(isWindowed: layer.isWindowed, shape, request)
        return row &* UInt64(cells) &* UInt64(streams) &+ states
    }

    // MARK: Compute buffers

    /// Bytes of a 32-bit float.
    private static let float: UInt64 = 4

    /// The logits of one row; an encoder computes none.
    private static func logitCount(_ shape: ModelShape) -> Int { shape.memory == .none ? 0 : shape.vocabularySize }

    /// The largest number of intermediate results that exist at the same time.
    ///
    /// The graph allocator of libggml reuses memory. A feed-forward network (two inner vectors, their product, and three of
    /// the model's length per token) or attention (queries, their rotation and the result) needs the most within a layer;
    /// the masks of attention and the logits exist in addition.
    private static func computeByteCount(
        _ shape: ModelShape, _ request: LoadRequest, isHost: Bool, hasOutput: Bool
    ) -> UInt64 {
        let tokens = UInt64(request.microBatchSize)
        let embedding = UInt64(shape.embeddingLength)
        let network = tokens &* (3 &* embedding &+ 3 &* UInt64(shape.feedForwardLength)) &* float
        let attended = UInt64(shape.headCount) &* UInt64(shape.headLength)
        var attention = tokens &* (3 &* embedding &+ 4 &* attended) &* float
        // A matrix product on the processor converts its input to the weights' type, in memory that all threads share.
        var scratch = tokens &* max(embedding, UInt64(shape.feedForwardLength)) &* 2
        let pairs = pairCount(shape, request)
        if !request.usesFlashAttention {
            let products = pairs.all &* UInt64(shape.headCount)
            attention &+= products &* float
            // Values of 16 bits: the products become 16-bit floats before they are multiplied with the values.
            if shape.memory != .none, !request.valueType.isFloat { scratch = max(scratch, products &* 2) }
        }
        // The mask has 16-bit floats for flash attention, else 32-bit floats.
        let masks = (pairs.all &+ pairs.windowed) &* (request.usesFlashAttention ? 2 : 4)
        // Values that are stored by columns have the index of each element's cell.
        let values = shape.layers.reduce(0) { max($0, $1.valueElements) }
        let indexes = request.usesFlashAttention ? 0 : tokens &* values &* 8
        // The host has pages only for rows that are used; a device allocates all reserved rows.
        let outputs = UInt64(min(isHost ? request.usedOutputCount : request.outputCount, request.microBatchSize))
        let logits = hasOutput ? outputs &* UInt64(logitCount(shape)) &* float : 0
        return max(network, attention) &+ masks &+ indexes &+ logits &+ (isHost ? scratch : 0)
    }

    /// The pairs of a batch's tokens and the cells that they attend to, in layers of all tokens and in those of a window.
    private static func pairCount(_ shape: ModelShape, _ request: LoadRequest) -> (all: UInt64, windowed: UInt64) {
        let tokens = UInt64(request.microBatchSize)
        // The tokens of an encoder attend to each other.
        if shape.memory == .none { return (tokens &* tokens, 0) }
        let attending = shape.layers.filter { $0.keyElements > 0 }
        func cells(_ isWindowed: Bool) -> UInt64 {
            guard attending.contains(where: { $0.isWindowed == isWindowed }) else { return 0 }
            return UInt64(cellCount(isWindowed: isWindowed, shape, request))
        }
        return (tokens &* cells(false), tokens &* cells(true))
    }

    // MARK: Overhead

    /// The pages of the program and of its libraries that a worker uses, and its own tables. Measured, see docs/models.md.
    private static var programByteCount: UInt64 {
        #if DEBUG
            51 << 20
        #else
            41 << 20
        #endif
    }
    /// Bytes per token of the vocabulary: texts, scores, hash tables and merges of libllama, and Martlet's own tables.
    private static let vocabularyByteCount: UInt64 = 330
    /// The context that a GPU's driver makes for each process.
    private static let deviceOverhead: UInt64 = 300 << 20

    /// Bytes per node of a graph: its descriptions in four graphs of a context, and the scheduler's copies. Measured.
    private static let nodeByteCount: UInt64 = 1_280
    /// Architectures whose graph has nodes per token (`graph_max_nodes` of libllama), because their recurrence is
    /// computed in chunks.
    private static let chunked: Set<String> = ["qwen3next", "qwen35", "qwen35moe", "kimi-linear"]

    private static func processByteCount(_ shape: ModelShape, _ request: LoadRequest) -> UInt64 {
        let tensors = UInt64(shape.tensorCount)
        let nodes =
            chunked.contains(shape.architecture)
            ? max(UInt64(request.microBatchSize) &* 40, tensors &* 32) : max(1_024, tensors &* 8)
        return programByteCount &+ UInt64(shape.vocabularySize) &* vocabularyByteCount
            &+ nodes &* nodeByteCount &* UInt64(request.contexts.count)
    }
}
