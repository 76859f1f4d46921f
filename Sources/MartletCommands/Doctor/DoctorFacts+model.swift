import MartletGGUF

extension DoctorFacts.Model {
    /// Reads the head of the file at `path`.
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

    private static func number(_ key: String, _ header: GGUFHeader) -> UInt64? {
        guard let architecture = header.metadata["general.architecture"]?.text,
            let value = header.metadata["\(architecture).\(key)"]?.integer
        else { return nil }
        // A file may say anything; none has more than this.
        return value > 0 && value <= 1 << 24 ? UInt64(value) : nil
    }

    /// Keys and values of all layers, two bytes each; an upper bound where layers differ.
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
