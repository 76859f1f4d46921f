import MartletGGUF

extension DoctorFacts.Model {
    /// Reads the header of a GGUF file. An error becomes ``problem``.
    init(path: String) {
        self.init(path: path, problem: nil)
        do {
            let header = try GGUFFile.check(path)
            byteCount = header.tensorByteCount
            bytesPerToken = Self.bytesPerToken(header)
            trainedContextLength = Self.number("context_length", header)
        } catch {
            problem = error.description
        }
    }

    /// A number of the model's architecture, e.g. `llama.context_length` for `context_length`.
    private static func number(_ key: String, _ header: GGUFHeader) -> UInt64? {
        guard let architecture = header.metadata["general.architecture"]?.text,
            let value = header.metadata["\(architecture).\(key)"]?.integer
        else { return nil }
        // The header is data from outside. Larger numbers would overflow products, and no model has them.
        return value > 0 && value <= 1 << 24 ? UInt64(value) : nil
    }

    /// Bytes of the KV cache per token: keys and values of all layers as 16-bit floats.
    ///
    /// The result is an upper bound for models whose layers differ, e.g. in their sliding windows.
    static func bytesPerToken(_ header: GGUFHeader) -> UInt64? {
        guard let layers = number("block_count", header), layers <= 1 << 12,
            let heads = number("attention.head_count", header), heads <= 1 << 12,
            let width = number("embedding_length", header)
        else { return nil }
        let keyHeads = min(number("attention.head_count_kv", header) ?? heads, 1 << 12)
        let keys = min(number("attention.key_length", header) ?? width / heads, 1 << 16)
        let values = min(number("attention.value_length", header) ?? width / heads, 1 << 16)
        return layers * keyHeads * (keys + values) * 2
    }
}
