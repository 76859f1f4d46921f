import Llama

/// The facts about a machine. ``DoctorFinding`` evaluates them, so that its rules can be tested without the machine.
struct DoctorFacts: Sendable, Equatable {
    /// A model file with numbers of its header.
    struct Model: Sendable, Equatable {
        var path: String
        /// The reason for which the file cannot be used, as a predicate; `nil` if it can.
        var problem: String?
        /// Bytes of all tensors.
        var byteCount: UInt64 = 0
        /// Bytes of the KV cache per token; `nil` if the header lacks a number.
        var bytesPerToken: UInt64?
        /// Tokens; `nil` if the header lacks the number.
        var trainedContextLength: UInt64?
    }

    /// Whether a program listens on the port.
    enum PortState: Sendable, Equatable {
        case free
        case inUse
    }

    var version: String
    var system: String
    /// The processor's features in Linux's names; `nil` if the system does not report them.
    var processorFlags: Set<String>?
    /// The processor features for which libllama was compiled, in libllama's names.
    var libraryFeatures: [String]
    var cores: Int
    /// Bytes.
    var totalMemory: UInt64?
    /// Bytes that programs can still allocate.
    var availableMemory: UInt64?
    var devices: [LlamaSystem.Device]
    /// The demo model; `nil` if its file is missing.
    var embeddedModel: Model?
    var models: [Model]
    var descriptorLimit: Int
    /// Whether the system can remove a worker's network access.
    var isSandboxed: Bool
    var port: Int
    var portState: PortState
}
