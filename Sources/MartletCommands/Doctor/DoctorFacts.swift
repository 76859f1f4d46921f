import Llama

/// The facts about a machine. ``DoctorFinding`` evaluates them, so that its rules can be tested without the machine.
struct DoctorFacts: Sendable, Equatable {
    /// A model file: what it is, and what its load on this machine needs.
    struct Model: Sendable, Equatable {
        var path: String
        /// The reason for which the file cannot be used, as a predicate; `nil` if it can.
        var problem: String?
        /// The reason for which libllama refuses the file; `nil` if it accepts the file or was not asked.
        var refusal: String?
        /// E.g. `qwen3, 752M parameters as Q8_0`.
        var title = ""
        /// `nil` if the file has a problem.
        var load: Load?
    }

    /// The memory plan of a load, reduced to its conclusion.
    struct Load: Sendable, Equatable {
        /// Bytes on the host and all devices.
        var neededByteCount: UInt64
        /// The free bytes of the host and all devices that the load uses.
        var freeByteCount: UInt64
        /// Tokens of a sequence.
        var contextLength: Int
        var sequenceCount: Int
        /// Tokens; `nil` if not even the smallest context fits.
        var largestContextLength: Int?
        /// Whether each place has enough memory.
        var fits: Bool
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
    /// The process that listens on the port; `nil` if it is unknown, e.g. because it belongs to another user.
    var portHolder: ListeningProcess?
    /// The build of the server on the port; `nil` if no Martlet server responds there.
    var portServer: String?
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
