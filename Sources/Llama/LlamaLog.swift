import CLlama
package import Logging

/// Routes libllama's own log to swift-log.
///
/// libllama has one log for the whole process, so there is one logger too: the first that asks wins.
package enum LlamaLog {
    /// Starts routing; later calls change nothing.
    ///
    /// Call before the first model is loaded. libllama's "info" is far more talkative than ours, so it becomes `debug`;
    /// a line that comes in pieces is put together again.
    package static func route(to logger: Logger) {
        let isFirst = shared.withLock { state in
            guard state.logger == nil else { return false }
            state.logger = logger
            return true
        }
        guard isFirst else { return }
        llama_backend_init()
        llama_log_set({ level, text, _ in LlamaLog.take(level, text) }, nil)
    }

    /// The last error that libllama logged since the previous call, as the cause of a failure.
    static func takeLastError() -> String? {
        shared.withLock { state in
            defer { state.lastError = nil }
            return state.lastError
        }
    }

    private struct State {
        var logger: Logger?
        var line = ""
        var level = Logger.Level.debug
        var lastError: String?
    }

    private static let shared = Locked(State())
    /// No line of libllama is longer; more of one line is cut off.
    private static let maximumLine = 4096

    private static func take(_ level: ggml_log_level, _ text: UnsafePointer<CChar>?) {
        guard let text else { return }
        let piece = String(cString: text)
        shared.withLock { state in
            if level != GGML_LOG_LEVEL_CONT {
                flush(&state)
                state.level = Self.level(of: level)
            }
            if state.line.utf8.count < maximumLine { state.line += piece }
            if piece.last == "\n" { flush(&state) }
        }
    }

    private static func flush(_ state: inout State) {
        while let last = state.line.last, last.isWhitespace { state.line.removeLast() }
        defer { state.line = "" }
        guard !state.line.isEmpty else { return }
        // Later lines of a failure only repeat that it failed; the first names the cause.
        if state.level >= .error, state.lastError == nil { state.lastError = state.line }
        state.logger?.log(level: state.level, "\(state.line)")
    }

    private static func level(of level: ggml_log_level) -> Logger.Level {
        switch level {
        case GGML_LOG_LEVEL_ERROR: .error
        case GGML_LOG_LEVEL_WARN: .warning
        case GGML_LOG_LEVEL_INFO: .debug
        default: .trace
        }
    }
}
