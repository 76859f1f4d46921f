/// The flags and variables of llama-server that are not settings of Martlet.
///
/// Each flag of llama-server is in exactly one of the two tables, this one or `SettingTable`; a test checks that.
enum PeerFlags {
    /// All flags of the table. `SettingTableTests` compares them with the help text of llama-server.
    static let all: [PeerFlag] = always + withoutEffect + models + media + drafts + others

    /// The flag of each spelling. `--no-ui` and `--ui` are one flag, but each spelling has its own effect.
    /// A command line has few flags, so the table is made once, at the first lookup.
    private static let byName: [String: (flag: PeerFlag, support: PeerFlag.Support)] = {
        var result: [String: (PeerFlag, PeerFlag.Support)] = [:]
        for flag in all {
            for name in flag.names { result[name] = (flag, flag.support) }
            for name in flag.negatives { result[name] = (flag, flag.negativeSupport) }
        }
        return result
    }()

    /// The flag with this spelling, and the effect of the spelling; `nil` if llama-server has no such flag.
    static func find(_ name: String) -> (flag: PeerFlag, support: PeerFlag.Support)? { byName[name] }

    // MARK: Accepted flags

    /// Flags that ask for a constant behaviour of Martlet. The flag is accepted without a notice.
    ///
    /// Example: `--jinja` asks for chat templates as Jinja, and every chat template is Jinja here.
    private static let always: [PeerFlag] = [
        PeerFlag(
            ["--jinja"], negatives: ["--no-jinja"], .always,
            negative: .withoutEffect("chat templates are always rendered as Jinja")),
        PeerFlag(
            ["--cont-batching", "-cb"], negatives: ["--no-cont-batching", "-nocb"], .always,
            negative: .withoutEffect("batching is always continuous")),
    ]

    /// Flags that are accepted with a notice in the log. They tune the implementation of llama-server, and no output
    /// depends on them.
    ///
    /// A neutral value, such as `-1`, asks for nothing and has no notice.
    private static let withoutEffect: [PeerFlag] = [
        PeerFlag(
            ["--threads-http"], values: 1, neutral: ["-1"],
            .withoutEffect("connections are served by event loops, which need no thread each")),
        PeerFlag(
            ["--backend-sampling", "-bs"], .withoutEffect("the place of sampling does not change the tokens")),
        PeerFlag(
            ["--perf"], negatives: ["--no-perf"], .withoutEffect("times are measured by the server itself"),
            negative: .always),
        PeerFlag(
            ["--cache-idle-slots"], negatives: ["--no-cache-idle-slots"],
            .withoutEffect("the prefix cache keeps prompts in their slots"),
            negative: .withoutEffect("idle sequences lose their KV cache when other sequences need it")),
        PeerFlag(
            ["--slot-prompt-similarity", "-sps"], values: 1,
            .withoutEffect("the slot with the longest common prefix is used")),
        PeerFlag(
            ["--defrag-thold", "-dt"], values: 1, .withoutEffect("libllama does not defragment its KV cache any more")),
        PeerFlag(
            ["--lazy-mode", "-lzm"], values: 1, neutral: ["auto"], .withoutEffect("libllama decides that itself")),
    ]

    // MARK: Missing capabilities

    /// Flags about models of certain repositories.
    private static let models: [PeerFlag] =
        [
            PeerFlag(["--docker-repo", "-dr"], values: 1, .missing(dockerModels)),
            // `ServeCommand` handles it before it parses settings.
            PeerFlag(["--cache-list", "-cl"], .withoutEffect("the cached models are printed, and nothing is served")),
        ]
        + [
            "--embd-gemma-default", "--fim-qwen-1.5b-default", "--fim-qwen-3b-default", "--fim-qwen-7b-default",
            "--fim-qwen-7b-spec", "--fim-qwen-14b-spec", "--fim-qwen-30b-default", "--gpt-oss-20b-default",
            "--gpt-oss-120b-default", "--vision-gemma-4b-default", "--vision-gemma-12b-default",
        ].map { PeerFlag([$0], .missing(shortcuts)) }

    /// Flags about images, audio and video. A server that ignored them would answer without the attachments.
    private static let media: [PeerFlag] =
        [
            PeerFlag(["--mmproj-auto"], negatives: ["--no-mmproj", "--no-mmproj-auto"], .missing(images)),
            PeerFlag(["--mmproj-offload"], negatives: ["--no-mmproj-offload"], .missing(images)),
            PeerFlag(
                ["--mmproj-device", "-mmdev"], environment: ["MTMD_BACKEND_DEVICE"], values: 1, .missing(images)),
        ]
        + [
            ["--mmproj", "-mm"], ["--mmproj-url", "-mmu"], ["--image-min-tokens"], ["--image-max-tokens"],
            ["--mtmd-batch-max-tokens"], ["--video-fps"], ["--video-timestamp-interval"], ["--video-ffmpeg-dir"],
            ["--media-path"],
        ].map { PeerFlag($0, values: 1, .missing(images)) }

    /// Flags of single capabilities. Most are refused, because a client relies on the capability.
    private static let others: [PeerFlag] = [
        // `ServeCommand` handles it before it parses settings.
        PeerFlag(["--list-devices"], .withoutEffect("the devices are printed, and nothing is served")),
        PeerFlag(["--reuse-port"], .missing("several servers on one port")),
        PeerFlag(
            ["--path"], environment: ["LLAMA_ARG_STATIC_PATH"], values: 1, .missing("files of its own as the web page")),
        PeerFlag(["--ui-config", "--webui-config"], values: 1, .missing("settings of the web page")),
        PeerFlag(["--ui-config-file", "--webui-config-file"], values: 1, .missing("settings of the web page")),
        PeerFlag(
            ["--ui-mcp-proxy", "--webui-mcp-proxy"], negatives: ["--no-ui-mcp-proxy", "--no-webui-mcp-proxy"],
            .missing(tools)),
        PeerFlag(["--tools"], values: 1, .missing(tools)),
        PeerFlag(["--tools-runtime"], values: 1, .missing(tools)),
        PeerFlag(["--agent", "-ag"], negatives: ["--no-agent", "-no-ag"], .missing(tools)),
        PeerFlag(["--mcp-servers-config"], values: 1, .missing(tools)),
        PeerFlag(["--mcp-servers-json"], values: 1, .missing(tools)),
        PeerFlag(["--completion-bash"], .missing("completion for a shell")),
    ]

    /// Flags of speculative decoding that `SettingTable` does not have: other kinds of drafts, and the placement of a
    /// draft model.
    private static let drafts: [PeerFlag] =
        [
            PeerFlag(["--spec-draft-cpu-moe", "--cpu-moe-draft", "-cmoed"], .missing(draftPlacement)),
            PeerFlag(["--spec-default"], .missing("a default of speculative decoding (see --spec-type)")),
            PeerFlag(
                ["--spec-draft-backend-sampling"], negatives: ["--no-spec-draft-backend-sampling"],
                .withoutEffect("the place of sampling does not change the tokens"), negative: .always),
            PeerFlag(
                ["--spec-draft-hf", "--spec-draft-hf-repo", "--hf-repo-draft", "-hfd", "-hfrd"], values: 1,
                .missing(draftRepositories)),
            PeerFlag(
                ["--spec-draft-p-split", "--draft-p-split"], values: 1,
                .withoutEffect("llama-server ignores it, too: a draft has one branch")),
        ]
        + [
            ["--spec-draft-cpu-mask", "--cpu-mask-draft", "-Cd"],
            ["--spec-draft-cpu-range", "--cpu-range-draft", "-Crd"],
            ["--spec-draft-cpu-strict", "--cpu-strict-draft"], ["--spec-draft-prio", "--prio-draft"],
            ["--spec-draft-poll", "--poll-draft"],
            ["--spec-draft-cpu-mask-batch", "--cpu-mask-batch-draft", "-Cbd"],
            ["--spec-draft-cpu-strict-batch", "--cpu-strict-batch-draft"],
            ["--spec-draft-prio-batch", "--prio-batch-draft"], ["--spec-draft-poll-batch", "--poll-batch-draft"],
            ["--spec-draft-override-tensor", "--override-tensor-draft", "-otd"],
            ["--spec-draft-n-cpu-moe", "--spec-draft-ncmoe", "--n-cpu-moe-draft", "-ncmoed"],
            ["--spec-draft-device", "--device-draft", "-devd"],
        ].map { PeerFlag($0, values: 1, .missing(draftPlacement)) }
        + [
            ["--spec-ngram-mod-n-min"], ["--spec-ngram-mod-n-max"], ["--spec-ngram-mod-n-match"],
            ["--spec-ngram-simple-min-hits"], ["--spec-ngram-map-k-size-n"], ["--spec-ngram-map-k-size-m"],
            ["--spec-ngram-map-k-min-hits"], ["--spec-ngram-map-k4v-size-n"], ["--spec-ngram-map-k4v-size-m"],
            ["--spec-ngram-map-k4v-min-hits"], ["--spec-ngram-min-hits"],
        ].map {
            PeerFlag($0, values: 1, .withoutEffect("there is one lookup, and how much it drafts is measured"))
        }
        + [
            ["--spec-synth-len"], ["--spec-synth-rates"], ["--lookup-cache-static", "-lcs"],
            ["--lookup-cache-dynamic", "-lcd"],
        ].map { PeerFlag($0, values: 1, .missing("drafts from files or for benchmarks")) }

    // The names of missing capabilities, as errors and the compatibility page show them. Example: "--tools: a flag of
    // llama-server that martlet does not support yet (tools that the server runs itself)".
    private static let draftPlacement = "own devices and processors of a draft model"
    private static let dockerModels =
        "models of Docker Hub; --hf-repo downloads from Hugging Face, and --model-url from an https address"
    private static let draftRepositories =
        "a draft model of a repository; download it with 'martlet pull' and name its file with --spec-draft-model"
    private static let shortcuts = "shortcuts for certain models; --hf-repo ORG/NAME serves any model of Hugging Face"
    private static let images = "images, audio and video"
    private static let tools = "tools that the server runs itself"
}
