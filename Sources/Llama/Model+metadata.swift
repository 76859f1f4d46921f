import CLlama

extension Model {
    /// The context length of the training, in tokens.
    package var trainedContextLength: Int { Int(llama_model_n_ctx_train(pointer)) }
    package var embeddingLength: Int { Int(llama_model_n_embd(pointer)) }
    package var layerCount: Int { Int(llama_model_n_layer(pointer)) }
    package var headCount: Int { Int(llama_model_n_head(pointer)) }
    package var keyValueHeadCount: Int { Int(llama_model_n_head_kv(pointer)) }
    package var parameterCount: UInt64 { llama_model_n_params(pointer) }
    /// The size of all tensors, in bytes.
    package var byteCount: UInt64 { llama_model_size(pointer) }
    /// The width of the sliding attention window in tokens; 0 = none.
    package var slidingWindow: Int { Int(llama_model_n_swa(pointer)) }
    /// Whether the model has a recurrent state, which cannot be cut.
    package var hasRecurrentState: Bool { llama_model_is_recurrent(pointer) || llama_model_is_hybrid(pointer) }
    package var hasEncoder: Bool { llama_model_has_encoder(pointer) }
    package var hasDecoder: Bool { llama_model_has_decoder(pointer) }

    /// The type of the weights, such as "Q8_0".
    package var fileType: String {
        guard let name = llama_ftype_name(llama_model_ftype(pointer)) else { return "" }
        return String(cString: name)
    }

    /// A description for log lines and pages, such as "qwen3 0.6B Q8_0".
    package var summary: String {
        Self.readString { llama_model_desc(pointer, $0, $1) } ?? ""
    }

    /// A scalar of the GGUF header as text; `nil` if the key does not exist or has an array.
    package func metadata(_ key: String) -> String? {
        Self.readString { llama_model_meta_val_str(pointer, key, $0, $1) }
    }

    /// Every scalar of the GGUF header, in the order of the file.
    package var metadata: [(key: String, value: String)] {
        (0..<llama_model_meta_count(pointer)).compactMap { index in
            guard let key = Self.readString({ llama_model_meta_key_by_index(pointer, index, $0, $1) }) else {
                return nil
            }
            guard let value = Self.readString({ llama_model_meta_val_str_by_index(pointer, index, $0, $1) }) else {
                return nil
            }
            return (key, value)
        }
    }

    /// The chat template with this name in the file; `nil` = the default template.
    package func chatTemplate(named name: String? = nil) -> String? {
        let template = name.map { llama_model_chat_template(pointer, $0) } ?? llama_model_chat_template(pointer, nil)
        return template.map { String(cString: $0) }
    }

    /// Calls `read` with a buffer, and again with a larger one if the text did not fit.
    static func readString(_ read: (UnsafeMutablePointer<CChar>, Int) -> Int32) -> String? {
        var capacity = 256
        while true {
            let buffer = UnsafeMutablePointer<CChar>.allocate(capacity: capacity)
            defer { buffer.deallocate() }
            let length = Int(read(buffer, capacity))
            guard length >= 0 else { return nil }
            if length < capacity {
                return String(
                    decoding: UnsafeRawBufferPointer(start: buffer, count: length), as: UTF8.self)
            }
            capacity = length + 1
        }
    }
}
