import Llama
import MartletEngine
import MartletPlatform
import MartletWorkers
import NIOCore
import NIOPosix

extension DoctorFacts {
    /// Collects the facts of this machine. A test of the port takes at most a second, and each file the time in which
    /// libllama reads its vocabulary.
    /// - Parameters:
    ///   - models: Files to check in addition to the demo model.
    ///   - load: The settings of their loads.
    ///   - port: The port on which a server would listen.
    static func collect(models: [String], load: LoadOptions, port: Int) async -> DoctorFacts {
        let sandbox = try? await DedicatedThread.run { WorkerSandbox.enterThread() }
        let embedded = try? ModelFile(named: nil, executable: CurrentProcess.executable)
        var files: [Model] = []
        for path in models { files.append(await probed(Model(path: path, load: load))) }
        // libllama with modules has neither features nor devices before. A module that is none is an error of `serve`.
        try? QuietLoader.loadModules()
        let state = await portState(port)
        let server = state == .inUse ? await ChatServer.build(onPort: port) : nil
        return DoctorFacts(
            version: MartletVersion.current, system: system, processorFlags: processorFlags,
            libraryFeatures: LlamaSystem.features, cores: Int(sysconf(Int32(_SC_NPROCESSORS_ONLN))),
            totalMemory: totalMemory, availableMemory: MemoryBudget.available.map { UInt64($0) },
            devices: LlamaSystem.devices, embeddedModel: embedded.map { Model(path: $0.path.string, load: load) },
            models: files, descriptorLimit: DescriptorLimit.raise(),
            isSandboxed: sandbox == .entered, port: port, portState: state,
            portHolder: state == .inUse ? ListeningProcess.find(port: port) : nil, portServer: server,
            backends: LlamaSystem.backends, hardware: hardware)
    }

    /// The graphics hardware whose driver has made its device file. Device files are not opened.
    private static var hardware: [GPUHardware] {
        let kinds = [
            ("an NVIDIA GPU", "CUDA", "nvcc", "/dev/nvidiactl"), ("an AMD GPU", "ROCm", "hipcc", "/dev/kfd"),
            ("a GPU", "Vulkan", "glslc", "/dev/dri/renderD128"),
        ]
        return kinds.compactMap { name, backend, compiler, path in
            guard access(path, F_OK) == 0 else { return nil }
            return GPUHardware(name: name, backend: backend, compiler: compiler, hasCompiler: isInstalled(compiler))
        }
    }

    /// Whether a folder of `PATH` has the program.
    private static func isInstalled(_ program: String) -> Bool {
        (CurrentProcess.environment("PATH") ?? "").split(separator: ":").contains {
            access("\($0)/\(program)", X_OK) == 0
        }
    }

    /// Name and version of the system, and the kind of processor.
    private static var system: String {
        var names = utsname()
        guard uname(&names) == 0 else { return "an unknown system" }
        func text<Value>(_ value: Value) -> String {
            withUnsafeBytes(of: value) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        }
        return "\(text(names.sysname)) \(text(names.release)), \(text(names.machine))"
    }

    /// Bytes of physical memory; `nil` if the system does not report them.
    private static var totalMemory: UInt64? {
        let pages = sysconf(Int32(_SC_PHYS_PAGES))
        let size = sysconf(Int32(_SC_PAGESIZE))
        return pages > 0 && size > 0 ? UInt64(pages) * UInt64(size) : nil
    }

    /// The flags in /proc/cpuinfo. Only Linux on x86 has this line; elsewhere the result is `nil`.
    private static var processorFlags: Set<String>? {
        guard let text = try? SmallFile.text("/proc/cpuinfo", for: "the processor"),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("flags") }),
            let colon = line.firstIndex(of: ":")
        else { return nil }
        return Set(line[line.index(after: colon)...].split(separator: " ").map(String.init))
    }

    /// The model with the judgement of libllama, if nothing else is wrong.
    private static func probed(_ model: Model) async -> Model {
        guard model.problem == nil, let executable = CurrentProcess.executable else { return model }
        var model = model
        model.refusal = await ModelProbe.refusal(of: model.path, executable: executable)
        return model
    }

    /// Whether a connection to the port succeeds within a second.
    private static func portState(_ port: Int) async -> PortState {
        let connected = try? await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .connectTimeout(.seconds(1)).connect(host: "127.0.0.1", port: port).get()
        guard let connected else { return .free }
        try? await connected.close()
        return .inUse
    }
}
