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
        llama_log_set({ level, text, _ in LlamaLog.receive(level, text) }, nil)
    }

    /// The last error that libllama logged since the previous call, as the cause of a failure.
    static func removeLastError() -> String? {
        shared.withLock { state in
            defer { state.lastError = nil }
            return state.lastError
        }
    }

    /// A decode begins that an abort signal may break off; libllama's error lines about that are no errors.
    static func beginDecode(_ signal: AbortSignal) { shared.withLock { $0.decodeSignal = signal } }

    /// - Parameter wasAborted: whether it gave up, as it was asked to.
    static func endDecode(wasAborted: Bool) {
        shared.withLock { state in
            state.decodeSignal = nil
            if wasAborted { state.logger?.debug("a decode was broken off, as a client has gone or the engine ends") }
        }
    }

    private struct State {
        var logger: Logger?
        var lines = LlamaLogLines()
        var lastError: String?
        /// Of the decode that runs.
        var decodeSignal: AbortSignal?
    }

    private static let shared = Locked(State())

    private static func receive(_ level: ggml_log_level, _ text: UnsafePointer<CChar>?) {
        guard let text else { return }
        let piece = String(cString: text)
        shared.withLock { state in
            let records = state.lines.append(
                piece, level: level == GGML_LOG_LEVEL_CONT ? nil : Self.level(of: level),
                isAborting: state.decodeSignal?.isRaised ?? false)
            for record in records {
                // Later lines of a failure only repeat that it failed; the first names the cause.
                if record.level >= .error, state.lastError == nil { state.lastError = record.message }
                state.logger?.log(level: record.level, "\(record.message)")
            }
        }
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
