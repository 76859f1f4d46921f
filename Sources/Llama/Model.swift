import CLlama
import MartletGGUF

/// The weights and the vocabulary of one GGUF file.
///
/// `@unchecked Sendable`: libllama writes to a model only while it is loaded and while an `Adapter` is loaded. The
/// loading thread does both before other threads have the model, so any number of threads may read it. It is freed when
/// the last reference is released.
package final class Model: @unchecked Sendable {
    /// How a model file is loaded.
    package struct Options: Sendable, Equatable {
        /// The number of layers on the GPU, if there is one; a negative number = all.
        package var gpuLayers: Int32 = -1
        package var loadMode = LoadMode.mapped
        /// Whether the weights are searched for values that are not numbers.
        package var checksTensors = false
        /// Whether only the vocabulary is loaded.
        package var vocabularyOnly = false
        /// Whether weights may be stored in layouts that some kernels prefer.
        package var usesRepackedWeights = true
        /// Whether weights on the CPU are kept out of the GPU's page-locked host buffer, so that they can be stored in
        /// other layouts.
        package var bypassesHostBuffer = false
        /// The devices that store the weights.
        package var placement = DevicePlacement()
        /// Values that replace metadata of the file.
        package var overrides: [MetadataOverride] = []

        package init() {}

        /// How the file is read into memory. The names are those of llama-server.
        package enum LoadMode: String, Sendable, CaseIterable {
            case automatic = "auto"
            case copied = "none"
            case mapped = "mmap"
            /// Copied, and locked in memory.
            case locked = "mlock"
            case mappedAndLocked = "mmap+mlock"
            /// Read without the page cache of the system.
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
    /// - Parameter progress: called on this thread with values from 0 to 1; the result `false` ends loading with
    ///   `loadCancelled`.
    package init(
        path: String, options: Options = Options(), progress: (Float) -> Bool = { _ in true }
    ) throws(LlamaError) {
        let (header, others) = try Self.checkFile(path)
        try options.placement.check((header.tensors + others.flatMap(\.tensors)).map(\.name))
        let architecture = header.metadata["general.architecture"]?.text ?? ""
        let layerCount = Int(clamping: header.metadata["\(architecture).block_count"]?.integer ?? 0)
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
            // libllama calls the callback only within llama_model_load_from_file, so the box outlives every call.
            let box = ProgressBox(progress)
            parameters.progress_callback = { fraction, context in
                guard let context else { return true }
                return Unmanaged<ProgressBox>.fromOpaque(context).takeUnretainedValue().report(fraction)
            }
            return withExtendedLifetime(box) {
                parameters.progress_callback_user_data = Unmanaged.passUnretained(box).toOpaque()
                let model = options.placement.withParameters(parameters, layerCount: layerCount) { parameters in
                    Self.withOverrides(options.overrides, parameters) { llama_model_load_from_file(path, $0) }
                }
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

    /// Adds overrides to the parameters of a load. The pointer is valid within the call.
    private static func withOverrides<Result>(
        _ overrides: [MetadataOverride], _ parameters: llama_model_params, _ body: (llama_model_params) -> Result
    ) -> Result {
        guard !overrides.isEmpty else { return body(parameters) }
        // An empty key ends the list.
        let list = overrides.map(\.raw) + [llama_model_kv_override()]
        return list.withUnsafeBufferPointer { list in
            var parameters = parameters
            parameters.kv_overrides = list.baseAddress
            return body(parameters)
        }
    }

    /// Checks the file before libllama reads it, because libllama does not check it.
    ///
    /// - Returns: the headers of all files.
    @discardableResult
    static func checkFile(
        _ path: String, kind: String = "model"
    ) throws(LlamaError) -> (first: GGUFHeader, others: [GGUFHeader]) {
        do {
            return try GGUFFile.headers(path)
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
