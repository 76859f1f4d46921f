import CLlama

/// A low-rank change of a model's weights (LoRA), which a context can apply with any scale.
///
/// `@unchecked Sendable`: it is not written after loading. libllama frees it together with its model, which this object
/// retains.
package final class Adapter: @unchecked Sendable {
    let pointer: OpaquePointer
    private let model: Model
    package let path: String

    /// Loads a GGUF file. Must be called before other threads use the model, because libllama registers the adapter in
    /// the model.
    package init(path: String, for model: Model) throws(LlamaError) {
        try Model.checkFile(path, kind: "adapter")
        _ = LlamaLog.removeLastError()
        guard let pointer = llama_adapter_lora_init(model.pointer, path) else {
            let cause = LlamaLog.removeLastError().map { ": \($0)" } ?? ""
            throw LlamaError(.loadFailed, "The adapter \(path) cannot be loaded\(cause).")
        }
        self.pointer = pointer
        self.model = model
        self.path = path
    }

    /// A scalar of the file's header, or "" if it does not exist.
    package func metadata(_ key: String) -> String {
        Model.readString { llama_adapter_meta_val_str(pointer, key, $0, $1) } ?? ""
    }

    /// The tokens behind which the adapter takes effect; empty = it takes effect from the beginning.
    package var invocationTokens: [Int32] {
        let count = Int(llama_adapter_get_alora_n_invocation_tokens(pointer))
        guard count > 0, let tokens = llama_adapter_get_alora_invocation_tokens(pointer) else { return [] }
        return Array(UnsafeBufferPointer(start: tokens, count: count))
    }
}

extension Context {
    /// Applies these adapters, and no others, from the next decode on.
    package mutating func apply(_ adapters: [(adapter: Adapter, scale: Float)]) throws(LlamaError) {
        var pointers: [OpaquePointer?] = adapters.map(\.adapter.pointer)
        var scales = adapters.map(\.scale)
        guard llama_set_adapters_lora(pointer, &pointers, pointers.count, &scales) == 0 else {
            throw LlamaError(.loadFailed, "The adapters cannot be applied.")
        }
    }
}
