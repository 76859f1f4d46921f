import Llama

/// What is found on a machine; nothing is judged here.
struct DoctorFacts: Sendable, Equatable {
    /// A model file and what its head says.
    struct Model: Sendable, Equatable {
        var path: String
        /// Why it cannot be used, or `nil`.
        var problem: String?
        /// Bytes of its tensors.
        var byteCount: UInt64 = 0
        /// Bytes that a token of context takes; `nil` = the head does not tell.
        var bytesPerToken: UInt64?
        var trainedContextLength: UInt64?
    }

    enum PortState: Sendable, Equatable {
        case free
        case inUse
    }

    var version: String
    var system: String
    /// The processor's abilities as the system names them; `nil` = it does not tell.
    var processorFlags: Set<String>?
    /// Those that libllama was compiled for, as it names them.
    var libraryFeatures: [String]
    var cores: Int
    var totalMemory: UInt64?
    var availableMemory: UInt64?
    var devices: [LlamaSystem.Device]
    var embeddedModel: Model?
    var models: [Model]
    var descriptorLimit: Int
    var isSandboxed: Bool
    var port: Int
    var portState: PortState
}
