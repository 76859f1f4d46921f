import Llama

extension SettingTable {
    private static let priorities: ClosedRange<Int64> = -1...3

    /// The processors and the priority of compute threads. Settings that end in -batch apply to prefill.
    static let placement: [Setting] = [
        Setting(
            .processorMask, ["-C"], environment: ["LLAMA_ARG_CPU_MASK"], .text, "HEX", unset: "all processors",
            in: .engine, for: .worker,
            "Processors of decode threads as a bit mask: 0x5 = the first and the third (Linux)."),
        Setting(
            .processorRange, ["-Cr"], environment: ["LLAMA_ARG_CPU_RANGE"], .text, "LOW-HIGH", unset: "all processors",
            in: .engine, for: .worker,
            "Processors of decode threads as a range such as 0-3. Mask and range are combined."),
        Setting(
            .strictProcessors, environment: ["LLAMA_ARG_CPU_STRICT"], .choice(["0", "1"]), "BIT", default: "0",
            in: .engine, for: .worker, "1 = bind each thread to one processor."),
        Setting(
            .threadPriority, environment: ["LLAMA_ARG_PRIO"], .integer(priorities), "LEVEL", default: "0", in: .engine,
            for: .worker,
            "Priority of decode threads: -1 low, 0 normal, 1 medium, 2 high, 3 realtime. Above 0 most systems require a privilege."
        ),
        Setting(
            .polling, environment: ["LLAMA_ARG_POLL"], .integer(0...100), "LEVEL", default: "50", in: .engine,
            for: .worker, "How long decode threads poll for work before they sleep. A libggml with OpenMP ignores this."
        ),
        Setting(
            .batchProcessorMask, ["-Cb"], environment: ["LLAMA_ARG_CPU_MASK_BATCH"], .text, "HEX",
            unset: "as --cpu-mask", in: .engine, for: .worker, "As --cpu-mask, for prefill threads."),
        Setting(
            .batchProcessorRange, ["-Crb"], environment: ["LLAMA_ARG_CPU_RANGE_BATCH"], .text, "LOW-HIGH",
            unset: "as --cpu-range", in: .engine, for: .worker, "As --cpu-range, for prefill threads."),
        Setting(
            .batchStrictProcessors, environment: ["LLAMA_ARG_CPU_STRICT_BATCH"], .choice(["0", "1"]), "BIT",
            unset: "as --cpu-strict", in: .engine, for: .worker, "As --cpu-strict, for prefill threads."),
        Setting(
            .batchThreadPriority, environment: ["LLAMA_ARG_PRIO_BATCH"], .integer(priorities), "LEVEL",
            unset: "as --prio", in: .engine, for: .worker, "As --prio, for prefill threads."),
        Setting(
            .batchPolling, environment: ["LLAMA_ARG_POLL_BATCH"], .integer(0...100), "LEVEL", unset: "as --poll",
            in: .engine, for: .worker, "As --poll, for prefill threads."),
        Setting(
            .numa, environment: ["LLAMA_ARG_NUMA"], .choice(NUMAStrategy.allCases.map(\.rawValue)), "HOW",
            unset: "by the system", in: .engine, for: .worker,
            "Threads on NUMA nodes: distribute = evenly on all nodes, isolate = on the node where the process started, "
                + "numactl = as numactl sets."),
    ]
}
