import CLlama

/// The compute threads of one context: a pool for single tokens, and a second one for prompts if their threads differ.
///
/// Thread: as `Context`, which owns the pools; created on the decoding thread. The pools must be freed after the
/// context.
final class ThreadPools {
    private typealias Make = @convention(c) (UnsafeMutablePointer<ggml_threadpool_params>?) -> OpaquePointer?
    private typealias Free = @convention(c) (OpaquePointer?) -> Void

    private let free: Free
    private let pool: OpaquePointer
    /// The pool for prompts; `nil` = `pool` computes prompts, too.
    private let batchPool: OpaquePointer?

    /// Creates the pools.
    ///
    /// - Returns: `nil` if libggml has no threads on the CPU, or cannot create them.
    init?(threads: Int, _ placement: ThreadPlacement, batchThreads: Int, _ batchPlacement: ThreadPlacement) {
        guard let device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU),
            let registry = ggml_backend_dev_backend_reg(device),
            let make = ggml_backend_reg_get_proc_address(registry, "ggml_threadpool_new"),
            let free = ggml_backend_reg_get_proc_address(registry, "ggml_threadpool_free")
        else { return nil }
        // libggml declares these two functions with the types above.
        let makePool = unsafeBitCast(make, to: Make.self)
        self.free = unsafeBitCast(free, to: Free.self)
        var parameters = Self.parameters(threads, placement)
        var batchParameters = Self.parameters(batchThreads, batchPlacement)
        if ggml_threadpool_params_match(&parameters, &batchParameters) {
            batchPool = nil
        } else {
            guard let made = makePool(&batchParameters) else { return nil }
            batchPool = made
            // The first decode wakes its pool.
            parameters.paused = true
        }
        guard let made = makePool(&parameters) else {
            if let batchPool { self.free(batchPool) }
            return nil
        }
        pool = made
        if threads == 1 { placement.applyToThisThread() }
    }

    deinit {
        free(pool)
        if let batchPool { free(batchPool) }
    }

    func attach(to context: OpaquePointer) { llama_attach_threadpool(context, pool, batchPool) }

    private static func parameters(_ threads: Int, _ placement: ThreadPlacement) -> ggml_threadpool_params {
        var parameters = ggml_threadpool_params()
        ggml_threadpool_params_init(&parameters, Int32(threads))
        withUnsafeMutableBytes(of: &parameters.cpumask) { mask in
            for processor in placement.processors where mask.indices.contains(processor) { mask[processor] = 1 }
        }
        parameters.strict_cpu = placement.isStrict
        parameters.poll = UInt32(placement.polling)
        parameters.prio = ggml_sched_priority(Int32(placement.priority.rawValue))
        return parameters
    }
}
