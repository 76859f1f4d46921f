import Llama

extension SettingTable {
    /// The devices that store and compute the model. Names, values and meanings are llama-server's.
    ///
    /// Example: `--device CUDA0,CUDA1 --tensor-split 3,1` stores three quarters of the layers on the first GPU.
    /// All of them concern the worker alone: the edge never opens a device.
    static let devices: [Setting] = [
        Setting(
            .device, ["-dev"], environment: ["LLAMA_ARG_DEVICE"], .list, "NAMES", unset: "all GPUs", in: .engine,
            for: .worker, "Devices to use, in this order; --list-devices lists them. none = only the CPU."),
        Setting(
            .splitMode, ["-sm"], environment: ["LLAMA_ARG_SPLIT_MODE"],
            .choice(DevicePlacement.SplitMode.allCases.map(\.rawValue)), "MODE", default: "layer", in: .engine,
            for: .worker,
            "How several GPUs divide the model: none = one GPU, layer = by layers, row = by rows of matrices, tensor = in "
                + "parallel."),
        Setting(
            .tensorSplit, ["-ts"], environment: ["LLAMA_ARG_TENSOR_SPLIT"], .text, "N,N", unset: "by free memory",
            in: .engine, for: .worker, "The part of each device, such as 3,1. One number per device."),
        Setting(
            .mainGPU, ["-mg"], environment: ["LLAMA_ARG_MAIN_GPU"], .integer(0...255), "NUMBER", default: "0",
            in: .engine,
            for: .worker, "The GPU for --split-mode none, and for small tensors of --split-mode row."),
        Setting(
            .overrideTensor, ["-ot"], environment: ["LLAMA_ARG_OVERRIDE_TENSOR"], .list, "PATTERN=TYPE", in: .engine,
            for: .worker,
            "Buffer types for tensors whose names match a regular expression, such as 'ffn_.*=CPU'. The first match counts."
        ),
        Setting(
            .cpuExperts, ["-cmoe"], environment: ["LLAMA_ARG_CPU_MOE"], .toggle, default: "off", in: .engine,
            for: .worker,
            "Keep the weights of all experts (MoE) on the CPU."),
        Setting(
            .cpuExpertLayers, ["-ncmoe"], environment: ["LLAMA_ARG_N_CPU_MOE"], .integer(0...1_024), "COUNT",
            default: "0",
            in: .engine, for: .worker, "Keep the weights of the experts of the first COUNT layers on the CPU."),
        Setting(
            .cpuNetworkLayers, ["-ncffn"], environment: ["LLAMA_ARG_N_CPU_FFN"], .integer(0...1_024), "COUNT",
            default: "0",
            in: .engine, for: .worker, "Keep the feed-forward weights of the first COUNT layers on the CPU."),
        Setting(
            .fit, ["-fit"], environment: ["LLAMA_ARG_FIT"], .choice(["on", "off"]), "WORD", default: "on", in: .engine,
            for: .worker,
            "Choose --n-gpu-layers and --ctx-size by free memory unless they are set. off = all layers on GPUs, and the trained "
                + "context."),
        Setting(
            .fitTarget, ["-fitt"], environment: ["LLAMA_ARG_FIT_TARGET"], .list, "MIB,MIB", unset: "1024", in: .engine,
            for: .worker,
            "Memory of each device that --n-gpu-layers auto leaves free. One number per device, or one for all."),
        Setting(
            .fitContext, ["-fitc"], environment: ["LLAMA_ARG_FIT_CTX"], .integer(256...Int64(Int32.max)), "TOKENS",
            default: "4096", in: .engine, for: .worker,
            "The smallest context that is chosen by free memory."),
        Setting(
            .remoteServers, environment: ["LLAMA_ARG_RPC"], .list, "HOST:PORT", in: .engine, for: .worker,
            "Machines with ggml's RPC server, whose devices are used. Needs --no-sandbox and a libllama with RPC. The "
                + "connection is not encrypted."),
        Setting(
            .overrideMetadata, environment: ["LLAMA_ARG_OVERRIDE_KV"], .list, "KEY=TYPE:VALUE", in: .engine,
            for: .worker,
            "Values that replace metadata of the model file, such as llama.context_length=int:8192."),
    ]
}
