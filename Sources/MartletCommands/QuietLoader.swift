import Llama
import Logging

/// Keeps the lines of libllama out of the standard error of short commands. Errors are part of the command's own error.
enum QuietLoader {
    /// Must be called before the first model of the process is loaded.
    static func begin() {
        LlamaLog.route(to: Logger(label: "libllama") { _ in SwiftLogNoOpLogHandler() })
    }
}
