package import MartletGGUF

extension ModelSummary {
    /// Reads the head of a model's file, and those of its other files.
    ///
    /// - Parameter path: the first file of a split model, or the only file.
    /// - Throws: a predicate that follows the path, e.g. "is cut off: …".
    /// - Complexity: linear in the heads. A vocabulary of 150,000 tokens has a head of about 5 MB.
    package static func read(_ path: String) throws(GGUFError) -> Self {
        let (first, others) = try GGUFFile.headers(path)
        return Self(first, others)
    }

    /// Derives the facts from the headers of all files of a model. The first one has the metadata.
    package init(_ first: GGUFHeader, _ others: [GGUFHeader] = []) {
        let architecture = first.metadata["general.architecture"]?.text ?? "unknown"
        let tensors = first.tensors + others.flatMap(\.tensors)
        let kind = Kind(first, hasTensors: !tensors.isEmpty)
        self.init(
            kind: kind, architecture: architecture, displayName: first.metadata["general.name"]?.text,
            parameterCount: tensors.reduce(0) { $0 &+ $1.dimensions.reduce(1, &*) },
            byteCount: others.reduce(first.tensorByteCount) { $0 &+ $1.tensorByteCount },
            quantization: Quantization.name(first, tensors),
            trainedContextLength: first.metadata["\(architecture).context_length"]?.integer.map { Int($0) },
            vocabularySize: Self.vocabularySize(first, architecture),
            hasChatTemplate: first.chatTemplate != nil || first.metadata["tokenizer.chat_template"] != nil,
            capabilities: Self.capabilities(first, architecture, kind))
    }

    private static func vocabularySize(_ header: GGUFHeader, _ architecture: String) -> Int? {
        if case .array(let count)? = header.metadata["tokenizer.ggml.tokens"] { return Int(clamping: count) }
        return header.metadata["\(architecture).vocab_size"]?.integer.map { Int($0) }
    }

    /// Architectures without a decoder. Their models compute vectors only.
    private static let encoders: Set<String> = [
        "bert", "nomic-bert", "nomic-bert-moe", "neo-bert", "jina-bert-v2", "jina-bert-v3", "modern-bert", "eurobert",
        "gemma-embedding", "t5encoder",
    ]

    /// The pooling number of a model that scores pairs of texts (`LLAMA_POOLING_TYPE_RANK`).
    private static let rankPooling: Int64 = 4

    /// The uses that metadata and chat template show.
    private static func capabilities(_ header: GGUFHeader, _ architecture: String, _ kind: Kind) -> [Capability] {
        func isTrue(_ key: String) -> Bool { header.metadata[key] == .bool(true) }
        var found: Set<Capability> = []
        if kind == .projector {
            if isTrue("clip.has_vision_encoder") { found.insert(.vision) }
            if isTrue("clip.has_audio_encoder") { found.insert(.audio) }
            return Capability.allCases.filter(found.contains)
        }
        guard kind == .model else { return [] }
        let pooling = header.metadata["\(architecture).pooling_type"]?.integer
        if !encoders.contains(architecture) { found.insert(.completion) }
        if pooling == rankPooling {
            found.insert(.rerank)
        } else if pooling.map({ $0 > 0 }) ?? encoders.contains(architecture) {
            found.insert(.embeddings)
        }
        if let template = header.chatTemplate {
            if template.contains("tools") { found.insert(.tools) }
            if ["reasoning_content", "enable_thinking", "<think>", "thinking", "reasoning_effort"].contains(
                where: template.contains)
            {
                found.insert(.reasoning)
            }
        }
        let isInfill = ["fim_pre_token_id", "prefix_token_id"].contains {
            header.metadata["tokenizer.ggml.\($0)"] != nil
        }
        if isInfill { found.insert(.infill) }
        return Capability.allCases.filter(found.contains)
    }
}
