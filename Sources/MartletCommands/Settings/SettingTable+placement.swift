import Llama

extension SettingTable {
    private static let priorities: ClosedRange<Int64> = -1...3

    /// Where compute threads run. The settings that end in -batch are for decodes with prompt tokens.
    static let placement: [Setting] = [
        Setting(
            .processorMask, ["-C"], environment: ["LLAMA_ARG_CPU_MASK"], .text, "HEX", unset: "all processors",
            in: .engine, for: .worker,
            "Processors for threads that generate tokens, a bit for each: 0x5 = the first and the third (Linux)."),
        Setting(
            .processorRange, ["-Cr"], environment: ["LLAMA_ARG_CPU_RANGE"], .text, "LOW-HIGH", unset: "all processors",
            in: .engine, for: .worker, "The same as a range such as 0-3; both together name more processors."),
        Setting(
            .strictProcessors, environment: ["LLAMA_ARG_CPU_STRICT"], .choice(["0", "1"]), "BIT", default: "0",
            in: .engine, for: .worker, "1 = each thread has one of them."),
        Setting(
            .threadPriority, environment: ["LLAMA_ARG_PRIO"], .integer(priorities), "LEVEL", default: "0", in: .engine,
            for: .worker,
            "Their priority: -1 low, 0 normal, 1 medium, 2 high, 3 realtime. Above 0 needs a right on most systems."),
        Setting(
            .polling, environment: ["LLAMA_ARG_POLL"], .integer(0...100), "LEVEL", default: "50", in: .engine,
            for: .worker, "How long they look for work before they sleep. A libggml with OpenMP decides that itself."),
        Setting(
            .batchProcessorMask, ["-Cb"], environment: ["LLAMA_ARG_CPU_MASK_BATCH"], .text, "HEX",
            unset: "as --cpu-mask", in: .engine, for: .worker, "The same for threads that read prompts."),
        Setting(
            .batchProcessorRange, ["-Crb"], environment: ["LLAMA_ARG_CPU_RANGE_BATCH"], .text, "LOW-HIGH",
            unset: "as --cpu-range", in: .engine, for: .worker, "The same for threads that read prompts."),
        Setting(
            .batchStrictProcessors, environment: ["LLAMA_ARG_CPU_STRICT_BATCH"], .choice(["0", "1"]), "BIT",
            unset: "as --cpu-strict", in: .engine, for: .worker, "The same for threads that read prompts."),
        Setting(
            .batchThreadPriority, environment: ["LLAMA_ARG_PRIO_BATCH"], .integer(priorities), "LEVEL",
            unset: "as --prio", in: .engine, for: .worker, "The same for threads that read prompts."),
        Setting(
            .batchPolling, environment: ["LLAMA_ARG_POLL_BATCH"], .integer(0...100), "LEVEL", unset: "as --poll",
            in: .engine, for: .worker, "The same for threads that read prompts."),
        Setting(
            .numa, environment: ["LLAMA_ARG_NUMA"], .choice(NUMAStrategy.allCases.map(\.rawValue)), "HOW",
            unset: "as the system does it", in: .engine, for: .worker,
            "How threads are spread over NUMA nodes: distribute = evenly, isolate = on the node where the process began, "
                + "numactl = as numactl says."),
    ]
}
