import CLlama

/// A model's working memory: attention state of all sequences and the buffers of a decode.
///
/// Thread: one thread at a time; only the `AbortSignal` may be used from others.
package struct Context: ~Copyable {
    package struct Options: Sendable {
        package enum FlashAttention: Sendable {
            case automatic
            case on
            case off
        }
        /// Tokens of all sequences together.
        package var contextLength = 4096
        package var sequenceCount = 1
        /// Most tokens of one decode.
        package var batchSize = 2048
        /// Most tokens computed at once.
        package var microBatchSize = 512
        package var threads = 1
        /// For more than one token at once.
        package var batchThreads = 1
        package var flashAttention = FlashAttention.automatic
        package var keyType = CacheType.f16
        package var valueType = CacheType.f16
        /// Whether sliding-window layers keep all tokens, which costs memory and lets a sequence be cut anywhere.
        package var keepsFullWindow = false
        /// Whether all sequences share one pool of `contextLength` tokens, instead of an equal part each.
        package var usesUnifiedKV = true
        /// Most tokens of one decode whose results are read; `nil` = one of each sequence.
        package var outputCount: Int?
        /// What is computed beside scores; `nil` = nothing.
        package var embeddings: Pooling?
        /// Whether a GPU, if there is one, holds the memory of attention.
        package var offloadsKVCache = true
        /// Whether it computes on weights that it does not hold.
        package var offloadsOperations = true
        package var positions = RotaryPositions()
        /// Where the threads of one token at once run, and those of more. As made: libggml's own choice.
        package var placement = ThreadPlacement()
        package var batchPlacement = ThreadPlacement()

        package init() {}
    }

    /// What became of a decode.
    package enum DecodeResult: Sendable, Equatable {
        case done
        /// No room for the batch; nothing was changed.
        case noRoom
        /// The signal was raised. What was computed before it is still in memory.
        case aborted
        /// Negative code of libllama. What was computed before it may still be in memory.
        case failed(Int32)
    }

    let pointer: OpaquePointer
    /// `nil` of models that read each batch by itself, such as BERT.
    let memory: llama_memory_t?
    /// Keeps the weights alive.
    let model: Model
    private let abortSignal: AbortSignal
    private let vocabularySize: Int
    /// Freed behind the context, as it is in a property. `nil` = libggml makes threads as it needs them.
    private let threadPools: ThreadPools?
    /// Whether libllama has put off copying or moving what is in memory until the next decode.
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
        threadPools = Self.threadPools(options)
        threadPools?.attach(to: pointer)
        memory = llama_get_memory(pointer)
        vocabularySize = Int(llama_vocab_n_tokens(llama_model_get_vocab(model.pointer)))
        // The signal lives as long as the context, which holds it.
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

    /// May be more than was asked for: libllama rounds up.
    package var contextLength: Int { Int(llama_n_ctx(pointer)) }
    package var sequenceContextLength: Int { Int(llama_n_ctx_seq(pointer)) }
    /// Most tokens of one decode. May be fewer than was asked for: no more than fit the context.
    package var batchSize: Int { Int(llama_n_batch(pointer)) }
    /// Most tokens computed at once.
    package var microBatchSize: Int { Int(llama_n_ubatch(pointer)) }

    /// Computes a batch.
    ///
    /// - Precondition: it has no more than `batchSize` tokens; libllama would end the process.
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

    /// The scores of all tokens after the batch's token `index`, or `nil` if none were asked for.
    ///
    /// The buffer may be written to; it is libllama's and valid until the next decode.
    package mutating func logits(at index: Int) -> UnsafeMutableBufferPointer<Float>? {
        guard let logits = llama_get_logits_ith(pointer, Int32(index)) else { return nil }
        return UnsafeMutableBufferPointer(start: logits, count: vocabularySize)
    }

    /// Forgets the tokens of `sequence` from `position` on.
    ///
    /// - Returns: whether the memory can do that. If not, it is unchanged or inconsistent: remove all of the sequence.
    package mutating func removeTail(of sequence: Int, from position: Int) -> Bool {
        llama_memory_seq_rm(memory, Int32(sequence), Int32(position), -1)
    }

    /// Forgets all of `sequence`. Never refused.
    package mutating func removeAll(of sequence: Int) {
        _ = llama_memory_seq_rm(memory, Int32(sequence), -1, -1)
    }

    /// Forgets every sequence; what comes next lies in memory as it would in a new context.
    package mutating func removeAll() {
        if let memory { llama_memory_clear(memory, false) }
    }

    /// Makes all of `source` part of the empty `target` too: shared where sequences share their memory, else copied.
    ///
    /// libllama copies whole sequences only where each has its own memory; `removeTail` leaves less.
    package mutating func copySequence(from source: Int, to target: Int) {
        llama_memory_seq_cp(memory, Int32(source), Int32(target), -1, -1)
        isChangePending = true
    }

    /// Whether `shift` can be used.
    package var canShift: Bool { memory != nil && llama_memory_can_shift(memory) }

    /// Forgets the tokens at the positions `range` of `sequence`, and moves those behind them up.
    ///
    /// - Returns: whether the memory could forget them. If not, remove all of the sequence.
    package mutating func shift(_ sequence: Int, removing range: Range<Int>) -> Bool {
        guard
            llama_memory_seq_rm(memory, Int32(sequence), Int32(range.lowerBound), Int32(range.upperBound))
        else { return false }
        llama_memory_seq_add(memory, Int32(sequence), Int32(range.upperBound), -1, -Int32(range.count))
        isChangePending = true
        return true
    }

    /// First and last position that `sequence` holds, or `nil` if it holds none.
    package func positions(of sequence: Int) -> ClosedRange<Int>? {
        let (first, last) = (
            llama_memory_seq_pos_min(memory, Int32(sequence)), llama_memory_seq_pos_max(memory, Int32(sequence))
        )
        return first >= 0 && last >= first ? Int(first)...Int(last) : nil
    }

    /// Whether `save` and `restore` are possible now: not between `copySequence` or `shift` and the next decode.
    package var canSaveStates: Bool { !isChangePending }

    /// How many bytes `save` would append.
    package mutating func stateByteCount(of sequence: Int) -> Int {
        llama_state_seq_get_size(pointer, Int32(sequence))
    }

    /// Appends the state of `sequence`, from which `restore` makes it again.
    package mutating func save(_ sequence: Int, into bytes: inout [UInt8]) throws(LlamaError) {
        let size = stateByteCount(of: sequence)
        var written = 0
        bytes += [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
            written = llama_state_seq_get_data(pointer, buffer.baseAddress, size, Int32(sequence))
            count = written
        }
        guard written > 0 else {
            throw LlamaError(.stateFailed, "The state of sequence \(sequence) cannot be saved.")
        }
    }

    /// Replaces the state of `sequence` by one that `save` wrote on a context of the same model and types.
    package mutating func restore(_ sequence: Int, from bytes: [UInt8]) throws(LlamaError) {
        let read = bytes.withUnsafeBufferPointer {
            llama_state_seq_set_data(pointer, $0.baseAddress, $0.count, Int32(sequence))
        }
        guard read > 0 else {
            throw LlamaError(.stateFailed, "A state of \(bytes.count) bytes does not fit sequence \(sequence).")
        }
    }
}
