internal import MartletGGUF

/// The settings of a load from which its memory follows.
package struct LoadRequest: Sendable, Equatable {
    /// A device other than the processor.
    package struct Device: Sendable, Equatable {
        package var name: String
        package var freeByteCount: UInt64
        /// The device's part of the layers, relative to the other devices (`--tensor-split`); `nil` = by free memory.
        package var share: Double?

        /// Creates a device.
        package init(name: String, freeByteCount: UInt64, share: Double? = nil) {
            self.name = name
            self.freeByteCount = freeByteCount
            self.share = share
        }
    }

    /// The element type of keys or values in the KV cache.
    package struct ElementType: Sendable, Equatable {
        /// Elements and bytes of a block.
        var blockLength: UInt64
        var blockByteCount: UInt64

        /// The type of `--cache-type-k` and `--cache-type-v` with this name; `nil` for an unknown name.
        package init?(_ name: String) {
            let numbers: [String: UInt32] = [
                "f32": 0, "f16": 1, "q4_0": 2, "q4_1": 3, "q5_0": 6, "q5_1": 7, "q8_0": 8, "iq4_nl": 20, "bf16": 30,
            ]
            guard let type = numbers[name].flatMap(GGUFTensorType.init) else { return nil }
            blockLength = type.blockLength
            blockByteCount = type.blockByteCount
        }

        /// Whether elements are 32-bit floats, which need no conversion.
        var isFloat: Bool { blockLength == 1 && blockByteCount == 4 }

        /// 16-bit floats.
        package static let half = ElementType(blockLength: 1, blockByteCount: 2)

        private init(blockLength: UInt64, blockByteCount: UInt64) {
            self.blockLength = blockLength
            self.blockByteCount = blockByteCount
        }

        /// The bytes of a row of elements.
        func byteCount(_ elements: UInt64) -> UInt64 { (elements &+ blockLength - 1) / blockLength &* blockByteCount }
    }

    /// The context beside that for text, in which a server computes vectors (`--embeddings`).
    package struct EmbeddingContext: Sendable, Equatable {
        /// Tokens of the context, which is also a limit of the inputs.
        package var contextLength: Int
        /// Tokens of one batch. Each of them has an output.
        package var batchSize: Int
        package var usesFlashAttention: Bool

        /// Creates a context.
        package init(contextLength: Int, batchSize: Int, usesFlashAttention: Bool) {
            self.contextLength = contextLength
            self.batchSize = batchSize
            self.usesFlashAttention = usesFlashAttention
        }
    }

    /// Tokens of one sequence.
    package var contextLength: Int
    package var sequenceCount = 4
    /// Whether all sequences share one KV cache of `contextLength` tokens; otherwise each has its own.
    package var usesUnifiedKV = true
    package var keyType = ElementType.half
    package var valueType = ElementType.half
    package var microBatchSize = 512
    /// Whether attention needs no memory for each pair of tokens.
    package var usesFlashAttention = true
    /// Whether layers with a sliding window store all tokens.
    package var keepsFullWindow = false
    /// The number of layers on devices, from the last on; `layers + 1` includes the output matrix.
    package var deviceLayerCount = 0
    package var devices: [Device] = []
    /// Whether devices store the KV cache of their layers.
    package var offloadsKVCache = true
    /// The number of layers, from the first on, whose experts stay in host memory.
    package var hostExpertLayerCount = 0
    /// The number of threads, each of which has scratch memory.
    package var threadCount = 4
    /// The largest number of tokens whose logits one decode computes.
    package var outputCount = 68
    /// Bytes of a projector and of a draft model with its memory.
    package var projectorBytes: UInt64 = 0
    package var draftBytes: UInt64 = 0

    /// The number of tokens whose logits one decode really computes, at most.
    package var usedOutputCount = 4
    /// The second context of a server that computes vectors; `nil` = none.
    package var embedding: EmbeddingContext?

    /// Creates a request with this context length.
    package init(contextLength: Int) { self.contextLength = contextLength }
}
