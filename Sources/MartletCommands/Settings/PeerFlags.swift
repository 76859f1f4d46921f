/// Flags of llama-server that are no settings here.
enum PeerFlags {
    /// What martlet always does, so that asking for it is fine and asking for the opposite is not.
    static let always: [(names: [String], negatives: [String], meaning: String)] = [
        (["--jinja"], ["--no-jinja"], "chat templates are always rendered as Jinja"),
        (["--cont-batching", "-cb"], ["--no-cont-batching", "-nocb"], "batching is always continuous"),
        (["--cache-prompt"], ["--no-cache-prompt"], "reuse of prompts is chosen by each request (cache_prompt)"),
        (["--no-webui", "--no-ui"], ["--webui", "--ui"], "there is no web page yet"),
        (["--warmup"], ["--no-warmup"], "a model is always warmed up"),
    ]

    /// What llama-server has and martlet does not have yet.
    static let missing: Set<String> = [
        "--adapter", "--agent", "--api-prefix", "--cache-reuse", "--checkpoint-min-step",
        "--control-vector", "--cpu-mask", "--ctx-checkpoints", "--device", "--draft", "--draft-max", "--draft-min",
        "--grammar", "--grammar-file", "--hf-file", "--hf-repo", "--hf-token", "--json-schema", "--log-file",
        "--main-gpu", "--mcp-servers-config", "--mcp-servers-json", "--media-path", "--mlock", "--mmproj",
        "--mmproj-url", "--model-draft", "--model-url", "--models-autoload", "--models-dir", "--models-max",
        "--models-preset", "--no-cache-idle-slots", "--no-kv-offload", "--no-mmproj", "--no-models-autoload", "--numa",
        "--offline", "--override-kv", "--override-tensor", "--path", "--poll", "--prio", "--reasoning",
        "--rerank", "--reranking", "--rope-freq-base", "--rope-freq-scale", "--rope-scale",
        "--rope-scaling", "--sleep-idle-seconds", "--slot-prompt-similarity", "--slot-save-path", "--spec-draft-n-max",
        "--spec-draft-n-min", "--spec-type", "--special", "--split-mode", "--spm-infill", "--tags", "--tensor-split",
        "--threads-http", "--tools", "--ui-mcp-proxy", "-dev", "-hf", "-hff", "-hfr", "-hft", "-j", "-md", "-mg",
        "-mm", "-mu", "-nkvo", "-ot", "-sm", "-sps", "-ts",
    ]

    /// Whether `name` asks for what martlet always does.
    static func isAlwaysSo(_ name: String) -> Bool { always.contains { $0.names.contains(name) } }

    /// Why a flag of llama-server is refused; `nil` for a flag that it does not have either.
    static func refusal(of name: String) -> String? {
        if let entry = always.first(where: { $0.negatives.contains(name) }) { return entry.meaning }
        return missing.contains(name) ? "llama-server has this flag, martlet does not have it yet" : nil
    }
}
