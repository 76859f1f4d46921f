import Llama
import MartletAPI

extension SettingTable {
    /// The cell types of a draft model's KV cache, as `--cache-type-k` has them.
    private static let draftCacheTypes = CacheType.allCases.map(\.rawValue)

    /// The settings of speculative decoding. It changes the speed of a generation, not its tokens.
    ///
    /// Example: `--spec-type ngram-simple` drafts tokens that followed the same text before, in prompt or output.
    static let speculation: [Setting] = [
        Setting(
            .draftKinds, environment: ["LLAMA_ARG_SPEC_TYPE"], .list, "KINDS",
            unset: "none; draft-simple with a draft model", in: .engine, for: .both,
            "Kinds of speculative decoding in order of preference: none, ngram-simple (lookup in prompt and output) or "
                + "draft-simple (a draft model). A request can choose with speculative.types."),
        Setting(
            .draftModel, ["-md", "--model-draft"], environment: ["LLAMA_ARG_SPEC_DRAFT_MODEL"], .text, "PATH",
            unset: "none", in: .engine, for: .both,
            "A smaller model (GGUF) with the same vocabulary, which drafts tokens."),
        Setting(
            .draftMaximum, ["--draft-max", "--draft", "--draft-n"],
            environment: ["LLAMA_ARG_SPEC_DRAFT_N_MAX", "LLAMA_ARG_DRAFT_MAX"], .integer(0...62), "TOKENS",
            default: "16", in: .engine, for: .worker,
            "Maximum tokens of a draft of the draft model. How many are drafted is measured."),
        Setting(
            .draftMinimum, ["--draft-min", "--draft-n-min"],
            environment: ["LLAMA_ARG_SPEC_DRAFT_N_MIN", "LLAMA_ARG_DRAFT_MIN"], .integer(0...62), "TOKENS",
            default: "0", in: .engine, for: .worker, "A draft with fewer tokens is discarded."),
        Setting(
            .draftProbability, ["--draft-p-min"], environment: ["LLAMA_ARG_SPEC_DRAFT_P_MIN"], .number(0...1),
            "SHARE", default: "0", in: .engine, for: .worker,
            "The draft model ends a draft before a token that it finds less likely."),
        Setting(
            .lookupLength, ["--spec-ngram-size-n"], environment: ["LLAMA_ARG_SPEC_NGRAM_SIMPLE_SIZE_N"],
            .integer(1...64), "TOKENS", default: "3", in: .engine, for: .worker,
            "The number of last tokens that ngram-simple looks up."),
        Setting(
            .lookupDraftLength, ["--spec-ngram-size-m"], environment: ["LLAMA_ARG_SPEC_NGRAM_SIMPLE_SIZE_M"],
            .integer(1...62), "TOKENS", default: "48", in: .engine, for: .worker,
            "Maximum tokens of a draft of ngram-simple. How many are drafted is measured."),
        Setting(
            .draftGPULayers, ["-ngld", "--gpu-layers-draft", "--n-gpu-layers-draft"],
            environment: ["LLAMA_ARG_N_GPU_LAYERS_DRAFT"],
            .integerOrWord(-1...Int64(Int32.max), words: ["all": -1, "auto": -1]), "COUNT", default: "all",
            in: .engine, for: .worker, "Layers of the draft model that a GPU computes if there is one."),
        Setting(
            .draftThreads, ["-td", "--threads-draft"], environment: [], .integer(-1...1024), "COUNT",
            unset: "as --threads", in: .engine, for: .worker, "Threads of the draft model."),
        Setting(
            .draftBatchThreads, ["-tbd", "--threads-batch-draft"], environment: [], .integer(-1...1024), "COUNT",
            unset: "as --threads-batch", in: .engine, for: .worker, "Threads of the draft model for its prompts."),
        Setting(
            .draftKeyCacheType, ["-ctkd", "--cache-type-k-draft", "--spec-draft-cache-type-k"],
            environment: ["LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_K"], .choice(draftCacheTypes), "TYPE", default: "f16",
            in: .engine, for: .worker, "The type of the keys in the KV cache of the draft model."),
        Setting(
            .draftValueCacheType, ["-ctvd", "--cache-type-v-draft", "--spec-draft-cache-type-v"],
            environment: ["LLAMA_ARG_SPEC_DRAFT_CACHE_TYPE_V"], .choice(draftCacheTypes), "TYPE", default: "f16",
            in: .engine, for: .worker, "The type of the values in the KV cache of the draft model."),
    ]
}
