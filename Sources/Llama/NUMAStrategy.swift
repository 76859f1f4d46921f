import CLlama

/// How compute threads and memory are spread over a machine's NUMA nodes. Names are llama-server's.
package enum NUMAStrategy: String, Sendable, CaseIterable {
    /// Threads run on all nodes in equal parts.
    case distribute
    /// Threads run on the node where the process began.
    case isolate
    /// Threads run where `numactl` lets the process run.
    case numactl

    /// Holds for the whole process, from the next model on. On a machine with a single node libggml ignores it.
    package func apply() {
        let raw =
            switch self {
            case .distribute: GGML_NUMA_STRATEGY_DISTRIBUTE
            case .isolate: GGML_NUMA_STRATEGY_ISOLATE
            case .numactl: GGML_NUMA_STRATEGY_NUMACTL
            }
        llama_numa_init(raw)
    }
}
