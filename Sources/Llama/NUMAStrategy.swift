import CLlama

/// The distribution of compute threads and memory over NUMA nodes. The names are those of llama-server.
package enum NUMAStrategy: String, Sendable, CaseIterable {
    /// Threads run on all nodes in equal parts.
    case distribute
    /// Threads run on the node where the process has started.
    case isolate
    /// Threads run where `numactl` allows it.
    case numactl

    /// Applies the strategy to the whole process, from the next model on. libggml ignores it on a machine with one
    /// node.
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
