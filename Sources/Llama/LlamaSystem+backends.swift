import CLlama

extension LlamaSystem {
    /// The names of the backends that are compiled in or loaded, e.g. `CPU` and `CUDA`.
    package static var backends: [String] {
        (0..<ggml_backend_reg_count()).compactMap { index in
            ggml_backend_reg_get(index).flatMap { ggml_backend_reg_name($0) }.map { String(cString: $0) }
        }
    }

    /// Loads backends that are modules: the file that `GGML_BACKEND_PATH` names, and, if libllama was built with all its
    /// backends as modules, those beside it.
    ///
    /// A build with modules has one for each kind of processor; ggml loads the best. Its own search also reads the working
    /// folder, so it is used only if there is no module beside libggml.
    ///
    /// - Parameter path: the value of `GGML_BACKEND_PATH`; `nil` = not set.
    /// - Throws: if the file is no backend for this version of libllama.
    package static func loadModules(path: String?) throws(LlamaError) {
        if ggml_backend_dev_count() == 0, let folder = libraryFolder { ggml_backend_load_all_from_path(folder) }
        if ggml_backend_dev_count() == 0 { ggml_backend_load_all() }
        guard let path, !path.isEmpty, !loadedModules.contains(path) else { return }
        _ = LlamaLog.removeLastError()
        guard ggml_backend_load(path) != nil else {
            let cause = LlamaLog.removeLastError().map { ": \($0)" } ?? ""
            throw LlamaError(.loadFailed, "GGML_BACKEND_PATH: \(path) is no backend for this libllama\(cause).")
        }
        loadedModules.insert(path)
    }

    /// The folder of libggml, wherever the program was moved; `nil` if the loader does not tell.
    private static var libraryFolder: String? {
        guard let name = martlet_libggml_path() else { return nil }
        let path = String(cString: name)
        return path.lastIndex(of: "/").map { String(path[..<$0]) }
    }

    /// The modules that this process has loaded. A second load would register a second set of devices.
    private static let loadedModules = LoadedModules()

    /// Adds the devices of other machines that run ggml's RPC server.
    ///
    /// - Parameter servers: `HOST:PORT` each.
    /// - Throws: if libllama has no RPC backend, or a server does not answer.
    package static func addRemoteDevices(_ servers: [String]) throws(LlamaError) {
        guard !servers.isEmpty else { return }
        guard let registry = ggml_backend_reg_by_name("RPC"),
            let address = ggml_backend_reg_get_proc_address(registry, "ggml_backend_rpc_add_server")
        else {
            throw LlamaError(
                .loadFailed,
                "--rpc: this libllama has no RPC backend; its backends are \(backends.joined(separator: ", ")).")
        }
        typealias AddServer = @convention(c) (UnsafePointer<CChar>?) -> ggml_backend_reg_t?
        // The registry returns a function as an untyped address. ggml-rpc.h declares this function with these types, and
        // the name identifies it, so the cast restores its own type.
        let addServer = unsafeBitCast(address, to: AddServer.self)
        for server in servers where !loadedModules.contains("rpc://" + server) {
            // ggml ends the process if it cannot connect.
            if let reason = ServerProbe.failure(of: server) {
                throw LlamaError(.loadFailed, "--rpc: \(server) does not answer: \(reason).")
            }
            guard let added = addServer(server), ggml_backend_reg_dev_count(added) > 0 else {
                throw LlamaError(.loadFailed, "--rpc: \(server) is no RPC server that answers.")
            }
            ggml_backend_register(added)
            loadedModules.insert("rpc://" + server)
        }
    }
}

/// A set of names under a lock. Thread: any.
private final class LoadedModules: Sendable {
    private let names = Locked<Set<String>>([])

    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }

    func insert(_ name: String) { names.withLock { _ = $0.insert(name) } }
}
