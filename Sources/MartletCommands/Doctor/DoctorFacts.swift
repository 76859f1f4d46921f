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

    /// The version of the program.
    var version: String
    /// Name and version of the system, and the kind of processor.
    var system: String
    /// The processor's features in Linux's names; `nil` if the system does not report them.
    var processorFlags: Set<String>?
    /// The processor features for which libllama was compiled, in libllama's names.
    var libraryFeatures: [String]
    /// The number of logical processors that are online.
    var cores: Int
    /// Bytes.
    var totalMemory: UInt64?
    /// Bytes that programs can still allocate.
    var availableMemory: UInt64?
    /// The devices of libllama, the processor included.
    var devices: [LlamaSystem.Device]
    /// The demo model; `nil` if its file is missing.
    var embeddedModel: Model?
    /// The files that the user named.
    var models: [Model]
    /// The limit after it was raised; 0 if the system does not report it.
    var descriptorLimit: Int
    /// Whether the system can remove a worker's network access.
    var isSandboxed: Bool
    /// The port that was tested.
    var port: Int
    /// The result of the test.
    var portState: PortState
    /// The backends of libllama, e.g. `CPU` and `CUDA`.
    var backends: [String] = ["CPU"]
    /// Graphics hardware whose driver is loaded.
    var hardware: [GPUHardware] = []
}

/// A kind of graphics hardware, and the build of libllama that uses it.
struct GPUHardware: Sendable, Equatable {
    /// E.g. `an NVIDIA GPU`.
    var name: String
    /// The backend of libllama, e.g. `CUDA`.
    var backend: String
    /// The program of the toolchain that a build needs, e.g. `nvcc`.
    var compiler: String
    /// Whether the compiler is installed.
    var hasCompiler: Bool
}
