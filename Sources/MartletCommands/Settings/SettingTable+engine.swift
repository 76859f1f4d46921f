import Llama

extension SettingTable {
    private static let cacheTypes = CacheType.allCases.map(\.rawValue)

    /// The settings of the worker: context, batches, threads, loading, adapters.
    static let engine: [Setting] = [
        Setting(
            .contextSize, ["-c"], environment: ["LLAMA_ARG_CTX_SIZE"], .integer(0...Int64(Int32.max)), "TOKENS",
            default: "0", in: .engine, for: .worker,
            "Maximum tokens of a sequence, prompt and output together. 0 = the model's trained context, or less if memory "
                + "is short."),
        Setting(
            .sequenceContext, environment: ["LLAMA_ARG_KV_UNIFIED_PER_SLOT"], .integer(0...Int64(Int32.max)),
            "TOKENS", unset: "as --ctx-size", in: .engine, for: .worker,
            "llama-server's name for --ctx-size with --kv-unified. The smaller of both counts. 0 = not set."),
        Setting(
            .unifiedKV, ["-kvu"], negatives: ["-no-kvu"], environment: ["LLAMA_ARG_KV_UNIFIED"], .toggle,
            unset: "on, except for small models", in: .engine, for: .worker,
            """
            All sequences share one KV cache. Off: each has its own, completions are batch invariant, and many streams on \
            a CPU are faster.
            """
        ),
        Setting(
            .parallel, ["-np"], environment: ["LLAMA_ARG_N_PARALLEL"],
            .integerOrWord(1...256, words: ["auto": 4, "-1": 4]), "COUNT", default: "4", in: .engine, for: .worker,
            "Maximum sequences that run at once. Further sequences wait."),
        Setting(
            .batchSize, ["-b"], environment: ["LLAMA_ARG_BATCH"], .integer(1...1 << 20), "TOKENS", default: "2048",
            in: .engine, for: .worker, "Maximum tokens of a batch."),
        Setting(
            .microBatchSize, ["-ub"], environment: ["LLAMA_ARG_UBATCH"], .integer(1...1 << 20), "TOKENS",
            default: "512", in: .engine, for: .worker, "Maximum tokens that are computed at once within a batch."),
        Setting(
            .threads, ["-t"], environment: ["LLAMA_ARG_THREADS"], .integer(-1...1024), "COUNT",
            unset: "by the model's size and the machine's cores", in: .engine, for: .worker,
            "Threads for decode. Below 1 = not set."),
        Setting(
            .batchThreads, ["-tb"], environment: ["LLAMA_ARG_THREADS_BATCH"], .integer(-1...1024), "COUNT",
            unset: "as --threads", in: .engine, for: .worker, "Threads for prefill. Below 1 = not set."),
        Setting(
            .gpuLayers, ["-ngl", "--gpu-layers"], environment: ["LLAMA_ARG_N_GPU_LAYERS"],
            .integerOrWord(-1...Int64(Int32.max), words: ["all": -1, "auto": -2]), "COUNT", default: "auto",
            in: .engine, for: .worker,
            "Layers of the model on GPUs, from the last on. all or -1 = all, auto = as many as fit."),
        Setting(
            .keyCacheType, ["-ctk"], environment: ["LLAMA_ARG_CACHE_TYPE_K"], .choice(cacheTypes), "TYPE",
            default: "f16", in: .engine, for: .worker, "The type of the keys in the KV cache."),
        Setting(
            .valueCacheType, ["-ctv"], environment: ["LLAMA_ARG_CACHE_TYPE_V"], .choice(cacheTypes), "TYPE",
            default: "f16", in: .engine, for: .worker,
            "The type of the values in the KV cache. Quantized types need flash attention."),
        Setting(
            .cacheMemory, ["-cram"], environment: ["LLAMA_ARG_CACHE_RAM"], .integer(-1...1 << 24), "MIB",
            default: "8192", in: .engine, for: .worker,
            "Memory for the KV state of paused sequences and of prefixes that left the KV cache. State that does not fit is "
                + "computed again. -1 = no limit, 0 = none."),
        Setting(
            .diskCache, environment: [], .text, "FOLDER[:SIZE]", unset: "none", in: .engine, for: .worker,
            "Folder for prefixes that left the KV cache, so that they survive a restart, and its size: a number of bytes with K, "
                + "M, G or T. Without a size 16G."),
        Setting(
            .checkpoints, ["-ctxcp", "--swa-checkpoints"], environment: ["LLAMA_ARG_CTX_CHECKPOINTS"],
            .integer(0...1_024), "COUNT", default: "32", in: .engine, for: .worker,
            "Maximum checkpoints of a prompt, for models with recurrent layers or a sliding window. 0 = none."),
        Setting(
            .checkpointStep, ["-cms"], environment: ["LLAMA_ARG_CHECKPOINT_MIN_SPACING_NT"],
            .integer(0...Int64(Int32.max)), "TOKENS", default: "8192", in: .engine, for: .worker,
            "Minimum distance between the checkpoints of earlier messages. The last message always has one."),
        Setting(
            .maximumStall, environment: [], .integer(10...60_000), "MS", default: "200",
            in: .engine, for: .worker,
            "Longest time between two tokens of a running stream while other prompts are computed. A smaller value makes "
                + "the first token of new prompts later."),
        Setting(
            .batchInvariance, environment: [], .toggle, default: "on", in: .engine,
            for: .worker,
            "Compute whole chunks of prompts apart from other tokens, so that the output of a small model does not depend on "
                + "other requests. Off: prompts and tokens share batches."),
        Setting(
            .flashAttention, ["-fa"], environment: ["LLAMA_ARG_FLASH_ATTN"], .onOffAuto, "WHEN",
            default: "auto", in: .engine, for: .worker,
            "Use flash attention. auto = if the device supports it, except for small models with sequences of 2,048 tokens "
                + "or more on a CPU."),
        Setting(
            .loadMode, ["-lm"], environment: ["LLAMA_ARG_LOAD_MODE"],
            .choice(Model.Options.LoadMode.allCases.map(\.rawValue)), "MODE",
            unset: "as --mmap, --mlock and --direct-io",
            in: .engine, for: .worker,
            "How the model file is loaded: mmap = mapped, none = read, mlock = read and locked in memory, dio = read without "
                + "the system's cache, auto = by the devices' support."),
        Setting(
            .memoryMap, environment: ["LLAMA_ARG_MMAP"], .toggle, default: "on", in: .engine, for: .worker,
            "Map the model file into memory instead of reading it."),
        Setting(
            .memoryLock, environment: ["LLAMA_ARG_MLOCK"], .toggle, default: "off", in: .engine, for: .worker,
            "Lock the model in memory, so that it is not swapped out."),
        Setting(
            .directIO, ["-dio"], negatives: ["-ndio"], environment: ["LLAMA_ARG_DIO"], .toggle, default: "off",
            in: .engine, for: .worker, "Read the model file without the system's cache."),
        Setting(
            .checkTensors, environment: ["LLAMA_ARG_CHECK_TENSORS"], .toggle, default: "off", in: .engine,
            for: .worker, "Check the weights for invalid numbers at loading."),
        Setting(
            .warmUp, environment: ["LLAMA_ARG_WARMUP"], .toggle, default: "on", in: .engine, for: .worker,
            "Compute one token at loading, so that the first request is not slower than others."),
        Setting(
            .offloadCache, ["-kvo"], negatives: ["-nkvo"], environment: ["LLAMA_ARG_KV_OFFLOAD"], .toggle,
            default: "on", in: .engine, for: .worker, "Store the KV cache on a GPU if there is one."),
        Setting(
            .offloadOperations, environment: ["LLAMA_ARG_OP_OFFLOAD"], .toggle, default: "on", in: .engine,
            for: .worker, "Let a GPU, if there is one, also compute with weights that are stored on the CPU."),
        Setting(
            .special, ["-sp"], environment: ["LLAMA_ARG_SPECIAL"], .toggle, default: "off", in: .engine, for: .worker,
            "Show the text of control tokens in output."),
        Setting(
            .repack, negatives: ["-nr"], environment: ["LLAMA_ARG_REPACK"], .toggle, default: "on", in: .engine,
            for: .worker,
            "Rearrange weights for the CPU at loading: slower to load, faster to run."),
        Setting(
            .noHostBuffer, environment: ["LLAMA_ARG_NO_HOST"], .toggle, default: "off", in: .engine, for: .worker,
            "Store CPU weights outside of a GPU's host buffer, so that --repack applies to them."),
        Setting(
            .fullWindow, environment: ["LLAMA_ARG_SWA_FULL"], .toggle, default: "off", in: .engine, for: .worker,
            "Store all tokens in layers with a sliding window: more memory, more prefix cache hits."),
        Setting(
            .queueLimit, environment: [], .integer(0...1 << 20), "COUNT", default: "1024", in: .engine, for: .worker,
            "Maximum sequences that wait. Further requests are refused with 503."),
        Setting(
            .sandbox, environment: [], .toggle, default: "on", in: .engine, for: .worker,
            "Run the worker without network access and without a way to more privileges, if the system supports this "
                + "(Linux)."),
        Setting(
            .workerMemory, environment: [], .integer(0...16_777_216), "MIB", default: "0", in: .engine, for: .worker,
            "The most memory that a worker may allocate beside weights that are mapped from the file; with more, its load "
                + "fails as out of memory (Linux). 0 = no limit."),
        Setting(
            .hangTimeout, environment: [], .integer(0...86_400), "SECONDS", default: "60", in: .engine, for: .edge,
            "The time without a step after which the worker is replaced; running generations continue. Five times as long "
                + "while the model loads. 0 = no limit."),
        Setting(
            .embeddings, ["--embedding"], environment: ["LLAMA_ARG_EMBEDDINGS"], .toggle, default: "off", in: .engine,
            for: .worker, "Serve /v1/embeddings and /embedding, with a separate context."),
        Setting(
            .reranking, ["--rerank"], environment: ["LLAMA_ARG_RERANKING"], .toggle, default: "off", in: .engine,
            for: .worker, "Serve /v1/rerank and its aliases, with a reranking model: --embeddings --pooling rank."),
        Setting(
            .pooling, environment: ["LLAMA_ARG_POOLING"], .choice(["none", "mean", "cls", "last", "rank"]), "KIND",
            unset: "as the model's file says", in: .engine, for: .worker,
            "How the vectors of an input's tokens are combined into one."),
        Setting(
            .embeddingNormalization, environment: ["LLAMA_ARG_EMBD_NORMALIZE"], .integer(-1...Int64(Int32.max)), "P",
            default: "2", in: .requests, for: .edge,
            "The norm of embeddings: 1 = taxicab, 2 = Euclidean, more = p-norm; 0 = the largest absolute value becomes "
                + "32,760; -1 = no normalization."),
        Setting(
            .adapters, environment: ["LLAMA_ARG_LORA"], .list, "PATHS", in: .engine, for: .worker,
            "LoRA adapters (GGUF) to load and apply."),
        Setting(
            .scaledAdapters, environment: ["LLAMA_ARG_LORA_SCALED"], .list, "PATH:SCALE", in: .engine, for: .worker,
            "LoRA adapters with a scale. Their numbers follow those of --lora."),
        Setting(
            .adaptersUnapplied, environment: ["LLAMA_ARG_LORA_INIT_WITHOUT_APPLY"], .toggle, default: "off",
            in: .engine, for: .worker, "Load adapters, but apply them only if a request selects them."),
        Setting(
            .controlVectors, environment: ["LLAMA_ARG_CONTROL_VECTOR"], .list, "PATHS", in: .engine, for: .worker,
            "Control vectors (GGUF) to add to the output of layers."),
        Setting(
            .scaledControlVectors, environment: ["LLAMA_ARG_CONTROL_VECTOR_SCALED"], .list, "PATH:SCALE", in: .engine,
            for: .worker, "Control vectors with a scale."),
        Setting(
            .controlLayers, environment: ["LLAMA_ARG_CONTROL_VECTOR_LAYER_RANGE"], .bounds(0...512), "FIRST LAST",
            unset: "all", in: .engine, for: .worker,
            "The layers to which control vectors apply, first and last included."),
    ]

    /// The common defaults of requests.
    static let requests: [Setting] = [
        Setting(
            .maximumTokens, ["-n", "--predict"], environment: ["LLAMA_ARG_N_PREDICT"], .integer(-2...Int64(Int32.max)),
            "TOKENS", default: "-1", in: .requests, for: .edge,
            "Maximum tokens of a completion. Below 0 = until the context is full."),
        Setting(
            .temperature, ["--temperature"], environment: ["LLAMA_ARG_TEMPERATURE", "LLAMA_ARG_TEMP"],
            .number(-100...100), "NUMBER",
            default: "0.8", in: .requests, for: .edge,
            "The temperature of sampling. 0 or below = always the most likely token."),
        Setting(
            .topK, environment: ["LLAMA_ARG_TOP_K"], .integer(-1...Int64(Int32.max)), "COUNT", default: "40",
            in: .requests, for: .edge, "Sample from the COUNT most likely tokens. 0 or below = all."),
        Setting(
            .topP, environment: ["LLAMA_ARG_TOP_P"], .number(0...1), "SHARE", default: "0.95", in: .requests,
            for: .edge,
            "Sample from the most likely tokens that together have this probability. 1 = all."),
        Setting(
            .minP, environment: ["LLAMA_ARG_MIN_P"], .number(0...1), "SHARE", default: "0.05", in: .requests,
            for: .edge,
            "Drop tokens that are less likely than this share of the most likely token. 0 = none."),
        Setting(
            .repeatLastN, environment: ["LLAMA_ARG_REPEAT_LAST_N"], .integer(0...Int64(Int32.max)), "TOKENS",
            default: "64", in: .requests, for: .edge, "The number of last tokens to which penalties apply. 0 = none."),
        Setting(
            .repeatPenalty, environment: ["LLAMA_ARG_REPEAT_PENALTY"], .number(0.001...1000), "FACTOR", default: "1",
            in: .requests, for: .edge, "Penalty factor for tokens that occurred already. 1 = off."),
        Setting(
            .presencePenalty, environment: ["LLAMA_ARG_PRESENCE_PENALTY"], .number(-100...100), "NUMBER", default: "0",
            in: .requests, for: .edge, "Penalty for tokens that occurred already. 0 = off."),
        Setting(
            .frequencyPenalty, environment: ["LLAMA_ARG_FREQUENCY_PENALTY"], .number(-100...100), "NUMBER",
            default: "0", in: .requests, for: .edge, "Penalty for each occurrence of a token. 0 = off."),
        Setting(
            .contextShift, environment: ["LLAMA_ARG_CONTEXT_SHIFT"], .toggle, default: "off", in: .requests, for: .edge,
            "Context shift: continue when the context is full, without the oldest tokens."),
        Setting(
            .retainedTokens, environment: ["LLAMA_ARG_KEEP"], .integer(-1...Int64(Int32.max)), "TOKENS", default: "0",
            in: .requests, for: .edge, "Tokens of the prompt that a context shift retains. -1 = all."),
        Setting(
            .pingInterval, environment: ["LLAMA_ARG_SSE_PING_INTERVAL"], .integer(-1...86_400), "SECONDS",
            default: "30", in: .requests, for: .edge,
            "Time between pings on a silent stream. Below 1 = no pings."),
    ]
}
