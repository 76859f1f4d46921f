import CLlama

/// A context of libllama: the KV cache of all sequences and the buffers of a decode.
///
/// Thread: one thread at a time; only the `AbortSignal` may be used by others.
package struct Context: ~Copyable {
    /// The properties of a context that are fixed when it is made.
    package struct Options: Sendable {
        /// Whether attention uses the flash method, which needs less memory and rounds differently.
        package enum FlashAttention: Sendable {
            case automatic
            case on
            case off

            /// Whether a flag asks for it; nil = the choice is free.
            package var isOn: Bool? { self == .automatic ? nil : self == .on }
        }
        /// The number of tokens of all sequences together.
        package var contextLength = 4096
        package var sequenceCount = 1
        /// The largest number of tokens of one decode.
        package var batchSize = 2048
        /// The largest number of tokens that are computed at once within a decode.
        package var microBatchSize = 512
        package var threads = 1
        /// The number of threads of decodes with more than one token.
        package var batchThreads = 1
        package var flashAttention = FlashAttention.automatic
        package var keyType = CacheType.f16
        package var valueType = CacheType.f16
        /// Whether layers with a sliding window store all tokens. That costs memory and lets a sequence be cut
        /// anywhere.
        package var keepsFullWindow = false
        /// Whether all sequences share one KV cache of `contextLength` tokens. Otherwise each has an equal part.
        package var usesUnifiedKV = true
        /// The largest number of tokens of one decode whose logits are read; `nil` = one per sequence.
        package var outputCount: Int?
        /// The pooling of embeddings; `nil` = no embeddings are computed.
        package var embeddings: Pooling?
        /// Whether a GPU, if there is one, stores the KV cache.
        package var offloadsKVCache = true
        /// Whether the GPU computes with weights that are stored in host memory.
        package var offloadsOperations = true
        package var positions = RotaryPositions()
        /// The processors of the threads for single tokens, and of those for more tokens. By default libggml chooses.
        package var placement = ThreadPlacement()
        package var batchPlacement = ThreadPlacement()

        package init() {}
    }

    /// The result of a decode.
    package enum DecodeResult: Sendable, Equatable {
        case done
        /// The KV cache has no room for the batch. Nothing was changed.
        case noRoom
        /// The signal was raised. Tokens that were computed before are still in the KV cache.
        case aborted
        /// A negative code of libllama. Tokens that were computed before may still be in the KV cache.
        case failed(Int32)
    }

    let pointer: OpaquePointer
    /// `nil` for models without a KV cache, such as BERT.
    let memory: llama_memory_t?
    /// Retains the weights.
    let model: Model
    private let abortSignal: AbortSignal
    private let vocabularySize: Int
    /// Whether attention uses the flash method, if the device supports it.
    package let usesFlashAttention: Bool
    /// Freed after the context, because it is a property of a reference type. `nil` = libggml makes threads as it needs
    /// them.
    private let threadPools: ThreadPools?
    private let usesUnifiedKV: Bool
    /// Whether libllama has postponed a copy or a move in the KV cache until the next decode.
    private var isChangePending = false

    package init(model: Model, options: Options, abortSignal: AbortSignal = AbortSignal()) throws(LlamaError) {
        var parameters = llama_context_default_params()
        parameters.n_ctx = UInt32(options.contextLength)
        parameters.n_batch = UInt32(options.batchSize)
        parameters.n_ubatch = UInt32(options.microBatchSize)
        parameters.n_seq_max = UInt32(options.sequenceCount)
        parameters.n_outputs_max = UInt32(options.outputCount ?? options.sequenceCount)
        parameters.n_threads = Int32(options.threads)
        parameters.n_threads_batch = Int32(options.batchThreads)
        parameters.flash_attn_type =
            switch options.flashAttention {
            case .automatic: LLAMA_FLASH_ATTN_TYPE_AUTO
            case .on: LLAMA_FLASH_ATTN_TYPE_ENABLED
            case .off: LLAMA_FLASH_ATTN_TYPE_DISABLED
            }
        parameters.type_k = options.keyType.ggmlType
        parameters.type_v = options.valueType.ggmlType
        parameters.swa_full = options.keepsFullWindow
        parameters.kv_unified = options.usesUnifiedKV
        parameters.no_perf = true
        parameters.offload_kqv = options.offloadsKVCache
        parameters.op_offload = options.offloadsOperations
        options.positions.apply(to: &parameters)
        parameters.embeddings = options.embeddings != nil
        if let pooling = options.embeddings?.raw { parameters.pooling_type = pooling }

        _ = LlamaLog.removeLastError()
        guard let pointer = llama_init_from_model(model.pointer, parameters) else {
            let cause = LlamaLog.removeLastError().map { " (\($0))" } ?? ""
            throw LlamaError(
                .outOfMemory,
                "A context of \(options.contextLength) tokens cannot be made\(cause): is there enough memory?")
        }
        self.pointer = pointer
        self.model = model
        self.abortSignal = abortSignal
        usesUnifiedKV = options.usesUnifiedKV
        usesFlashAttention = options.flashAttention != .off
        threadPools = Self.threadPools(options)
        threadPools?.attach(to: pointer)
        memory = llama_get_memory(pointer)
        vocabularySize = Int(llama_vocab_n_tokens(llama_model_get_vocab(model.pointer)))
        // The context retains the signal, so the signal lives as long as the callback.
        llama_set_abort_callback(
            pointer,
            { context in
                guard let context else { return false }
                return Unmanaged<AbortSignal>.fromOpaque(context).takeUnretainedValue().check()
            }, Unmanaged.passUnretained(abortSignal).toOpaque())
    }

    deinit {
        llama_free(pointer)
    }

    private static func threadPools(_ options: Options) -> ThreadPools? {
        guard options.placement != ThreadPlacement() || options.batchPlacement != ThreadPlacement() else { return nil }
        return ThreadPools(
            threads: options.threads, options.placement, batchThreads: options.batchThreads, options.batchPlacement)
    }

    /// The number of tokens of the KV cache. It may exceed the requested number, because libllama rounds up.
    package var contextLength: Int { Int(llama_n_ctx(pointer)) }
    /// The number of sequence ids.
    package var sequenceCount: Int { Int(llama_n_seq_max(pointer)) }
    package var sequenceContextLength: Int { Int(llama_n_ctx_seq(pointer)) }
    /// The largest number of tokens of one decode. It may be below the requested number: it does not exceed the
    /// context.
    package var batchSize: Int { Int(llama_n_batch(pointer)) }
    /// The largest number of tokens that are computed at once within a decode.
    package var microBatchSize: Int { Int(llama_n_ubatch(pointer)) }

    /// Computes a batch.
    ///
    /// - Precondition: the batch has at most `batchSize` tokens; otherwise libllama ends the process.
    package mutating func decode(_ batch: borrowing Batch) -> DecodeResult {
        precondition(batch.count <= batchSize, "a batch of \(batch.count) tokens, but \(batchSize) fit")
        LlamaLog.beginDecode(abortSignal)
        let code = llama_decode(pointer, batch.raw)
        LlamaLog.endDecode(wasAborted: code == 2)
        if code == 0 { isChangePending = false }
        return switch code {
        case 0: .done
        case 1: .noRoom
        case 2: .aborted
        default: .failed(code)
        }
    }

    /// The logits behind the batch's token `index`; `nil` if they were not requested.
    ///
    /// The buffer belongs to libllama. It may be written to, and is valid until the next decode.
    package mutating func logits(at index: Int) -> UnsafeMutableBufferPointer<Float>? {
        guard let logits = llama_get_logits_ith(pointer, Int32(index)) else { return nil }
        return UnsafeMutableBufferPointer(start: logits, count: vocabularySize)
    }

    /// Removes the tokens of `sequence` from `position` on.
    ///
    /// - Returns: whether they could be removed. If not, the KV cache is unchanged or inconsistent: remove the whole
    ///   sequence.
    package mutating func removeTail(of sequence: Int, from position: Int) -> Bool {
        llama_memory_seq_rm(memory, Int32(sequence), Int32(position), -1)
    }

    /// Removes all tokens of `sequence`. Always succeeds.
    package mutating func removeAll(of sequence: Int) {
        _ = llama_memory_seq_rm(memory, Int32(sequence), -1, -1)
    }

    /// Removes all sequences. Later tokens get the same cells as in a new context.
    package mutating func removeAll() {
        if let memory { llama_memory_clear(memory, false) }
    }

    /// Adds all tokens of `source` to the empty sequence `target`. They are shared in a unified KV cache, and copied
    /// otherwise.
    ///
    /// With separate KV caches libllama copies whole sequences only; `removeTail` cuts the copy.
    package mutating func copySequence(from source: Int, to target: Int) {
        llama_memory_seq_cp(memory, Int32(source), Int32(target), -1, -1)
        // Sequences of a unified KV cache share cells, which is done at once.
        if !usesUnifiedKV { isChangePending = true }
    }

    /// Whether `shift` is possible.
    package var canShift: Bool { memory != nil && llama_memory_can_shift(memory) }

    /// Removes the tokens at the positions `range` of `sequence`, and moves later positions down.
    ///
    /// - Returns: whether the tokens could be removed. If not, remove the whole sequence.
    package mutating func shift(_ sequence: Int, removing range: Range<Int>) -> Bool {
        guard
            llama_memory_seq_rm(memory, Int32(sequence), Int32(range.lowerBound), Int32(range.upperBound))
        else { return false }
        llama_memory_seq_add(memory, Int32(sequence), Int32(range.upperBound), -1, -Int32(range.count))
        isChangePending = true
        return true
    }

    /// The first and the last position of `sequence`; `nil` if it is empty.
    package func positions(of sequence: Int) -> ClosedRange<Int>? {
        let (first, last) = (
            llama_memory_seq_pos_min(memory, Int32(sequence)), llama_memory_seq_pos_max(memory, Int32(sequence))
        )
        return first >= 0 && last >= first ? Int(first)...Int(last) : nil
    }

    /// Whether `save` and `restore` are possible now: not between `copySequence` or `shift` and the next decode.
    package var canSaveStates: Bool { !isChangePending }
}
