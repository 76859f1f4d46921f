import Llama
import Logging

/// Keeps the lines of libllama out of the standard error of short commands. Errors are part of the command's own error.
enum QuietLoader {
    /// Must be called before the first model of the process is loaded.
    static func begin() {
        LlamaLog.route(to: Logger(label: "libllama") { _ in SwiftLogNoOpLogHandler() })
    }

    /// Loads the backends that are modules, as a server does. libllama's lines about them are no output of a command.
    /// - Throws: if the file of `GGML_BACKEND_PATH` is no backend for this version of libllama.
    static func loadModules() throws(LlamaError) {
        begin()
        try LlamaSystem.loadModules(path: CurrentProcess.environment("GGML_BACKEND_PATH"))
    }
}
