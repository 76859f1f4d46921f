package import MartletGGUF

extension ModelSummary.Kind {
    /// The kind that the head of a file states.
    ///
    /// libllama looks for the tensors of a model in every file, and its error names the first one that is missing. The
    /// kind says more: a file that belongs to a model, or to another program, is named before it reaches libllama.
    ///
    /// - Parameter hasTensors: whether any file of the model has a tensor; the first file of a split model may have none.
    package init(_ header: GGUFHeader, hasTensors: Bool) {
        let architecture = header.metadata["general.architecture"]?.text
        switch (architecture, header.metadata["general.type"]?.text) {
        case ("clip", _), (_, "mmproj"): self = .projector
        case (_, "adapter"): self = .adapter
        case ("controlvector", _): self = .controlVector
        case (_, "imatrix"): self = .importanceMatrix
        default:
            let hasVocabulary = header.metadata["tokenizer.ggml.tokens"] != nil
            self = hasTensors ? .model : hasVocabulary ? .vocabulary : .empty
        }
    }

    /// The reason for which the file is not loaded as a model, as a predicate that follows its name; `nil` for a model.
    ///
    /// Example: "is a LoRA adapter and not a model; --lora applies it to one".
    package var problem: String? {
        switch self {
        case .model: nil
        case .projector: "is a projector (mmproj) and not a model; it belongs into the sub-folder of its model"
        case .adapter: "is a LoRA adapter and not a model; --lora applies it to one"
        case .controlVector: "is a control vector and not a model; --control-vector applies it to one"
        case .vocabulary: "is a vocabulary without weights and not a model; nothing can be generated with it"
        case .importanceMatrix: "is an importance matrix and not a model; only the quantization of a model reads it"
        case .empty: "has no tensors and no vocabulary, so it is not a model"
        }
    }
}

extension ModelSummary {
    /// Reads the heads of a model's files and checks that they are those of a model.
    ///
    /// - Parameter path: the first file of a split model, or the only file.
    /// - Throws: a predicate that follows the path, e.g. "is a vocabulary without weights …".
    package static func check(_ path: String) throws(GGUFError) {
        let (first, others) = try GGUFFile.headers(path)
        let kind = Kind(first, hasTensors: !first.tensors.isEmpty || others.contains { !$0.tensors.isEmpty })
        if let problem = kind.problem { throw GGUFError(problem) }
    }
}
