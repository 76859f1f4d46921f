import CLlama
import MartletGGUF

/// The weights and the vocabulary of one GGUF file.
///
/// `@unchecked Sendable`: libllama never writes to a model after it was loaded, except when an `Adapter` is loaded,
/// which the thread that loaded the model does before any other has it; so any number of threads may read it. It is
/// freed once, when the last user lets go.
package final class Model: @unchecked Sendable {
    package struct Options: Sendable, Equatable {
        /// Layers that go to the GPU, if there is one; a negative number means all.
        package var gpuLayers: Int32 = -1
        package var loadMode = LoadMode.mapped
        /// Whether the weights are searched for invalid numbers.
        package var checksTensors = false
        /// Whether only the vocabulary is loaded.
        package var vocabularyOnly = false
        /// Whether weights may be repacked into layouts that some kernels prefer.
        package var usesRepackedWeights = true
        /// Whether weights on the CPU stay out of a GPU's page-locked host buffer, so that they can be repacked.
        package var bypassesHostBuffer = false

        package init() {}

        /// How a file gets into memory. Names are llama-server's.
        package enum LoadMode: String, Sendable, CaseIterable {
            case automatic = "auto"
            case copied = "none"
            case mapped = "mmap"
            /// Copied, and never swapped out.
            case locked = "mlock"
            case mappedAndLocked = "mmap+mlock"
            /// Past the system's cache.
            case direct = "dio"

            var raw: llama_load_mode {
                switch self {
                case .automatic: LLAMA_LOAD_MODE_AUTO
                case .copied: LLAMA_LOAD_MODE_NONE
                case .mapped: LLAMA_LOAD_MODE_MMAP
                case .locked: LLAMA_LOAD_MODE_MLOCK
                case .mappedAndLocked: LLAMA_LOAD_MODE_MMAP_MLOCK
                case .direct: LLAMA_LOAD_MODE_DIRECT_IO
                }
            }
        }
    }

    let pointer: OpaquePointer
    package let path: String

    /// Loads the file at `path`.
    ///
    /// - Parameter progress: called on this thread with 0 to 1; `false` gives up with `loadCancelled`.
    package init(
        path: String, options: Options = Options(), progress: (Float) -> Bool = { _ in true }
    ) throws(LlamaError) {
        try Self.checkFile(path)
        var parameters = llama_model_default_params()
        parameters.n_gpu_layers = options.gpuLayers
        parameters.load_mode = options.loadMode.raw
        parameters.check_tensors = options.checksTensors
        parameters.vocab_only = options.vocabularyOnly
        parameters.use_extra_bufts = options.usesRepackedWeights
        parameters.no_host = options.bypassesHostBuffer

        _ = LlamaLog.removeLastError()
        var wasCancelled = false
        let loaded: OpaquePointer? = withoutActuallyEscaping(progress) { progress in
            // The callback is only called inside llama_model_load_from_file, so the box outlives every call.
            let box = ProgressBox(progress)
            parameters.progress_callback = { fraction, context in
                guard let context else { return true }
                return Unmanaged<ProgressBox>.fromOpaque(context).takeUnretainedValue().report(fraction)
            }
            return withExtendedLifetime(box) {
                parameters.progress_callback_user_data = Unmanaged.passUnretained(box).toOpaque()
                let model = llama_model_load_from_file(path, parameters)
                wasCancelled = box.wasCancelled
                return model
            }
        }
        guard let loaded else {
            if wasCancelled { throw LlamaError(.loadCancelled, "Loading \(path) was cancelled.") }
            let cause = LlamaLog.removeLastError().map { ": \($0)" } ?? ""
            throw LlamaError(.loadFailed, "The model \(path) cannot be loaded\(cause).")
        }
        pointer = loaded
        self.path = path
    }

    deinit {
        llama_model_free(pointer)
    }

    /// Checks the file before libllama, which trusts it, sees it.
    static func checkFile(_ path: String, kind: String = "model") throws(LlamaError) {
        do {
            _ = try GGUFFile.check(path)
        } catch {
            throw LlamaError(.notAModel, "The \(kind) file \(path) \(error).")
        }
    }
}

private final class ProgressBox {
    let progress: (Float) -> Bool
    var wasCancelled = false

    init(_ progress: @escaping (Float) -> Bool) { self.progress = progress }

    func report(_ fraction: Float) -> Bool {
        if !progress(fraction) { wasCancelled = true }
        return !wasCancelled
    }
}
