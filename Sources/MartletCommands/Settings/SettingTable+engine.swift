import Llama

extension SettingTable {
    private static let cacheTypes = CacheType.allCases.map(\.rawValue)

    static let engine: [Setting] = [
        Setting(
            .contextSize, ["-c"], environment: ["LLAMA_ARG_CTX_SIZE"], .integer(0...Int64(Int32.max)), "TOKENS",
            default: "0", in: .engine, for: .worker,
            "Most tokens of one sequence, prompt and answer. 0 = as many as the model was trained on, or fewer where "
                + "memory is short."),
        Setting(
            .sequenceContext, environment: ["LLAMA_ARG_KV_UNIFIED_PER_SLOT"], .integer(0...Int64(Int32.max)),
            "TOKENS", unset: "as --ctx-size", in: .engine, for: .worker,
            "The same under llama-server's name for it; the smaller of both holds. 0 = as if not set."),
        Setting(
            .unifiedKV, ["-kvu"], negatives: ["-no-kvu"], environment: ["LLAMA_ARG_KV_UNIFIED"], .toggle,
            unset: "on, but for small models", in: .engine, for: .worker,
            "All sequences share one memory. Off, each has its own: an answer then does not depend on what else runs."
        ),
        Setting(
            .parallel, ["-np"], environment: ["LLAMA_ARG_N_PARALLEL"],
            .integerOrWord(1...256, words: ["auto": 4, "-1": 4]), "COUNT", default: "4", in: .engine, for: .worker,
            "How many generations run at once; more wait."),
        Setting(
            .batchSize, ["-b"], environment: ["LLAMA_ARG_BATCH"], .integer(1...1 << 20), "TOKENS", default: "2048",
            in: .engine, for: .worker, "Most tokens of one decode."),
        Setting(
            .microBatchSize, ["-ub"], environment: ["LLAMA_ARG_UBATCH"], .integer(1...1 << 20), "TOKENS",
            default: "512", in: .engine, for: .worker, "Most tokens that are computed at once."),
        Setting(
            .threads, ["-t"], environment: ["LLAMA_ARG_THREADS"], .integer(-1...1024), "COUNT",
            unset: "by the model's size and the machine's cores", in: .engine, for: .worker,
            "Threads that generate tokens. Below 1 = as if not set."),
        Setting(
            .batchThreads, ["-tb"], environment: ["LLAMA_ARG_THREADS_BATCH"], .integer(-1...1024), "COUNT",
            unset: "as --threads", in: .engine, for: .worker, "Threads that read prompts. Below 1 = as if not set."),
        Setting(
            .gpuLayers, ["-ngl", "--gpu-layers"], environment: ["LLAMA_ARG_N_GPU_LAYERS"],
            .integerOrWord(-1...Int64(Int32.max), words: ["all": -1, "auto": -1]), "COUNT", default: "all",
            in: .engine, for: .worker, "Layers of the model that a GPU computes, if there is one."),
        Setting(
            .keyCacheType, ["-ctk"], environment: ["LLAMA_ARG_CACHE_TYPE_K"], .choice(cacheTypes), "TYPE",
            default: "f16", in: .engine, for: .worker, "How keys of attention are stored."),
        Setting(
            .valueCacheType, ["-ctv"], environment: ["LLAMA_ARG_CACHE_TYPE_V"], .choice(cacheTypes), "TYPE",
            default: "f16", in: .engine, for: .worker,
            "How values of attention are stored. Quantized types want flash attention."),
        Setting(
            .cacheMemory, ["-cram"], environment: ["LLAMA_ARG_CACHE_RAM"], .integer(-1...1 << 24), "MIB",
            default: "8192", in: .engine, for: .worker,
            "Memory for what paused answers had in theirs when others took it; what does not fit is computed again. "
                + "-1 = no limit, 0 = none."),
        Setting(
            .flashAttention, ["-fa"], environment: ["LLAMA_ARG_FLASH_ATTN"], .onOffAuto, "WHEN",
            default: "auto", in: .engine, for: .worker, "Whether flash attention is used."),
        Setting(
            .loadMode, ["-lm"], environment: ["LLAMA_ARG_LOAD_MODE"],
            .choice(Model.Options.LoadMode.allCases.map(\.rawValue)), "MODE", unset: "as the next three say",
            in: .engine, for: .worker,
            "How the model's file gets into memory: mmap maps it, none reads it, mlock keeps it from being swapped out, "
                + "dio reads past the system's cache, auto = what devices support."),
        Setting(
            .memoryMap, environment: ["LLAMA_ARG_MMAP"], .toggle, default: "on", in: .engine, for: .worker,
            "Map the file into memory instead of reading it."),
        Setting(
            .memoryLock, environment: ["LLAMA_ARG_MLOCK"], .toggle, default: "off", in: .engine, for: .worker,
            "Keep the model from being swapped out."),
        Setting(
            .directIO, ["-dio"], negatives: ["-ndio"], environment: ["LLAMA_ARG_DIO"], .toggle, default: "off",
            in: .engine, for: .worker, "Read the file past the system's cache."),
        Setting(
            .checkTensors, environment: ["LLAMA_ARG_CHECK_TENSORS"], .toggle, default: "off", in: .engine,
            for: .worker, "Look for invalid numbers in the weights while loading."),
        Setting(
            .warmUp, environment: ["LLAMA_ARG_WARMUP"], .toggle, default: "on", in: .engine, for: .worker,
            "Compute one token while loading, so that the first request is as fast as the others."),
        Setting(
            .offloadCache, ["-kvo"], negatives: ["-nkvo"], environment: ["LLAMA_ARG_KV_OFFLOAD"], .toggle,
            default: "on", in: .engine, for: .worker, "Keep the KV cache on a GPU, if there is one."),
        Setting(
            .offloadOperations, environment: ["LLAMA_ARG_OP_OFFLOAD"], .toggle, default: "on", in: .engine,
            for: .worker, "Let a GPU, if there is one, compute on weights that are not on it."),
        Setting(
            .special, ["-sp"], environment: ["LLAMA_ARG_SPECIAL"], .toggle, default: "off", in: .engine, for: .worker,
            "Show the text of control tokens in answers."),
        Setting(
            .repack, negatives: ["-nr"], environment: ["LLAMA_ARG_REPACK"], .toggle, default: "on", in: .engine,
            for: .worker,
            "Rearrange weights for the CPU while loading: slower to load, faster to run."),
        Setting(
            .noHostBuffer, environment: ["LLAMA_ARG_NO_HOST"], .toggle, default: "off", in: .engine, for: .worker,
            "Keep weights on the CPU out of a GPU's host buffer, so that they can be rearranged, too."),
        Setting(
            .fullWindow, environment: ["LLAMA_ARG_SWA_FULL"], .toggle, default: "off", in: .engine, for: .worker,
            "Keep all tokens in layers with a sliding window: more memory, more reuse of prompts."),
        Setting(
            .queueLimit, environment: [], .integer(0...1 << 20), "COUNT", default: "1024", in: .engine, for: .worker,
            "Most generations that wait; more are refused with 503."),
        Setting(
            .sandbox, environment: [], .toggle, default: "on", in: .engine, for: .worker,
            "Take the network and the way to further rights from the process that runs the model, where the system "
                + "offers that (Linux)."),
        Setting(
            .hangTimeout, environment: [], .integer(0...86_400), "SECONDS", default: "60", in: .engine, for: .edge,
            "How long the process that runs the model may take no step before it is ended and started again; answers go on. "
                + "Five times as long while the model loads. 0 = for ever."),
        Setting(
            .embeddings, ["--embedding"], environment: ["LLAMA_ARG_EMBEDDINGS"], .toggle, default: "off", in: .engine,
            for: .worker, "Serve /v1/embeddings and /embedding, with memory of their own."),
        Setting(
            .pooling, environment: ["LLAMA_ARG_POOLING"], .choice(["none", "mean", "cls", "last", "rank"]), "KIND",
            unset: "as the model's file says", in: .engine, for: .worker,
            "How the vectors of an input's tokens become one."),
        Setting(
            .embeddingNormalization, environment: ["LLAMA_ARG_EMBD_NORMALIZE"], .integer(-1...Int64(Int32.max)), "P",
            default: "2", in: .requests, for: .edge,
            "Which length of a vector becomes 1: 1 = the sum of its numbers without signs, 2 = Euclid's, more = the "
                + "p-norm; 0 = the largest number becomes 32,760; -1 = none."),
        Setting(
            .adapters, environment: ["LLAMA_ARG_LORA"], .list, "PATHS", in: .engine, for: .worker,
            "LoRA adapters (GGUF) that change the model's weights."),
        Setting(
            .scaledAdapters, environment: ["LLAMA_ARG_LORA_SCALED"], .list, "PATH:SCALE", in: .engine, for: .worker,
            "The same, each applied with that strength. They are numbered after those of --lora."),
        Setting(
            .adaptersUnapplied, environment: ["LLAMA_ARG_LORA_INIT_WITHOUT_APPLY"], .toggle, default: "off",
            in: .engine, for: .worker, "Load adapters, but apply them only where a request asks for them."),
        Setting(
            .controlVectors, environment: ["LLAMA_ARG_CONTROL_VECTOR"], .list, "PATHS", in: .engine, for: .worker,
            "Control vectors (GGUF) that are added to what layers compute."),
        Setting(
            .scaledControlVectors, environment: ["LLAMA_ARG_CONTROL_VECTOR_SCALED"], .list, "PATH:SCALE", in: .engine,
            for: .worker, "The same, each with that strength."),
        Setting(
            .controlLayers, environment: ["LLAMA_ARG_CONTROL_VECTOR_LAYER_RANGE"], .bounds(0...512), "FIRST LAST",
            unset: "all", in: .engine, for: .worker, "The layers that feel control vectors, both ends included."),
    ]

    static let requests: [Setting] = [
        Setting(
            .maximumTokens, ["-n", "--predict"], environment: ["LLAMA_ARG_N_PREDICT"], .integer(-2...Int64(Int32.max)),
            "TOKENS", default: "-1", in: .requests, for: .edge,
            "Most tokens of an answer. Below 0 = until the context is full."),
        Setting(
            .temperature, ["--temperature"], environment: ["LLAMA_ARG_TEMPERATURE", "LLAMA_ARG_TEMP"],
            .number(-100...100), "NUMBER",
            default: "0.8", in: .requests, for: .edge,
            "How freely tokens are drawn. 0 or below = always the most likely one."),
        Setting(
            .topK, environment: ["LLAMA_ARG_TOP_K"], .integer(-1...Int64(Int32.max)), "COUNT", default: "40",
            in: .requests, for: .edge, "Draw among the COUNT most likely tokens. 0 or below = all."),
        Setting(
            .topP, environment: ["LLAMA_ARG_TOP_P"], .number(0...1), "SHARE", default: "0.95", in: .requests,
            for: .edge,
            "Draw among the likeliest tokens that together have this probability. 1 = all."),
        Setting(
            .minP, environment: ["LLAMA_ARG_MIN_P"], .number(0...1), "SHARE", default: "0.05", in: .requests,
            for: .edge,
            "Drop tokens less likely than this share of the likeliest one. 0 = none."),
        Setting(
            .repeatLastN, environment: ["LLAMA_ARG_REPEAT_LAST_N"], .integer(0...Int64(Int32.max)), "TOKENS",
            default: "64", in: .requests, for: .edge, "How many of the last tokens penalties look at. 0 = none."),
        Setting(
            .repeatPenalty, environment: ["LLAMA_ARG_REPEAT_PENALTY"], .number(0.001...1000), "FACTOR", default: "1",
            in: .requests, for: .edge, "Makes tokens less likely that are there already. 1 = off."),
        Setting(
            .presencePenalty, environment: ["LLAMA_ARG_PRESENCE_PENALTY"], .number(-100...100), "NUMBER", default: "0",
            in: .requests, for: .edge, "The same, by a fixed amount. 0 = off."),
        Setting(
            .frequencyPenalty, environment: ["LLAMA_ARG_FREQUENCY_PENALTY"], .number(-100...100), "NUMBER",
            default: "0", in: .requests, for: .edge, "The same, by an amount for each occurrence. 0 = off."),
        Setting(
            .contextShift, environment: ["LLAMA_ARG_CONTEXT_SHIFT"], .toggle, default: "off", in: .requests, for: .edge,
            "Let an answer go on when the context is full, without the oldest tokens."),
        Setting(
            .retainedTokens, environment: ["LLAMA_ARG_KEEP"], .integer(-1...Int64(Int32.max)), "TOKENS", default: "0",
            in: .requests, for: .edge, "How many of a prompt's tokens are then kept. -1 = all."),
        Setting(
            .pingInterval, environment: ["LLAMA_ARG_SSE_PING_INTERVAL"], .integer(-1...86_400), "SECONDS",
            default: "30", in: .requests, for: .edge,
            "Time between signs of life on a stream that has nothing else to say. Below 1 = none."),
    ]
}
