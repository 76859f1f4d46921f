/// The facts about a model that its files' heads state.
///
/// Example: architecture `qwen3`, 751,632,384 parameters, quantization `Q8_0`, 40,960 tokens of trained context, with a
/// chat template whose capabilities are `completion` and `tools`.
package struct ModelSummary: Sendable, Equatable {
    /// A use of a model that a client can choose by.
    package enum Capability: String, Sendable, CaseIterable {
        /// The model generates text.
        case completion
        /// The chat template renders tools.
        case tools
        /// The chat template renders reasoning.
        case reasoning
        /// The projector encodes images.
        case vision
        /// The projector encodes audio.
        case audio
        /// The file names a pooling, so the model computes vectors.
        case embeddings
        /// The pooling computes a score of a pair of texts.
        case rerank
        /// The vocabulary has tokens for text before and after a gap ("fill in the middle").
        case infill = "fim"
    }

    /// The kind of a file. Only models can be loaded alone.
    package enum Kind: String, Sendable, CaseIterable {
        case model
        /// The encoder of images or audio that belongs to a model (`mmproj`).
        case projector
        case adapter
        case controlVector = "control-vector"
        /// The tokens of a model without its weights, e.g. for tests of tokenizers.
        case vocabulary
        /// Statistics from which a quantization chooses its precision (`imatrix`).
        case importanceMatrix = "importance-matrix"
        /// A file without tensors and without a vocabulary.
        case empty
    }

    package var kind = Kind.model
    /// The architecture in libllama's spelling, e.g. `llama`.
    package var architecture: String
    /// The name that the file gives the model; `nil` if it gives none.
    package var displayName: String?
    /// The number of parameters: the elements of all tensors.
    package var parameterCount: UInt64
    /// The bytes of all tensors.
    package var byteCount: UInt64
    /// The name of the quantization, e.g. `Q4_K_M`.
    package var quantization: String
    /// Tokens; `nil` if the file does not state the number.
    package var trainedContextLength: Int?
    /// The number of tokens of the vocabulary; `nil` if the file does not state it.
    package var vocabularySize: Int?
    package var hasChatTemplate: Bool
    /// In the order of `Capability.allCases`.
    package var capabilities: [Capability]

    /// Creates a summary of these facts.
    package init(
        kind: Kind = .model, architecture: String, displayName: String? = nil, parameterCount: UInt64,
        byteCount: UInt64, quantization: String, trainedContextLength: Int? = nil, vocabularySize: Int? = nil,
        hasChatTemplate: Bool = false, capabilities: [Capability] = [.completion]
    ) {
        self.kind = kind
        self.architecture = architecture
        self.displayName = displayName
        self.parameterCount = parameterCount
        self.byteCount = byteCount
        self.quantization = quantization
        self.trainedContextLength = trainedContextLength
        self.vocabularySize = vocabularySize
        self.hasChatTemplate = hasChatTemplate
        self.capabilities = capabilities
    }

    /// The number of parameters with up to three digits, e.g. `752M`, `3.1M` or `7.62B`.
    package var parameterText: String {
        let (unit, divisor) = parameterCount >= 1_000_000_000 ? ("B", 1e9) : ("M", 1e6)
        let value = Double(parameterCount) / divisor
        let scale = value >= 100 ? 1.0 : value >= 10 ? 10 : 100
        let scaled = Int((value * scale).rounded())
        let whole = scaled / Int(scale)
        var fraction = String(String(scaled % Int(scale) + Int(scale)).dropFirst())
        while fraction.hasSuffix("0") { fraction.removeLast() }
        return "\(whole)" + (fraction.isEmpty ? "" : "." + fraction) + unit
    }
}
