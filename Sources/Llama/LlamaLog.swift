import CLlama
package import Logging

/// Routes the log of libllama to swift-log.
///
/// libllama has one log per process, so there is one logger: the first caller of `route(to:)` sets it.
package enum LlamaLog {
    /// Starts routing; later calls have no effect.
    ///
    /// Must be called before the first model is loaded. The level "info" of libllama becomes `debug`, because it has
    /// many lines. A line that arrives in pieces is joined.
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

    /// Removes and returns the last error that libllama logged: the cause of a failure.
    static func removeLastError() -> String? {
        shared.withLock { state in
            defer { state.lastError = nil }
            return state.lastError
        }
    }

    /// Registers a decode that an abort signal may end. The error lines of libllama about the abort are then not
    /// errors.
    static func beginDecode(_ signal: AbortSignal) { shared.withLock { $0.decodeSignal = signal } }

    /// Ends the decode.
    ///
    /// - Parameter wasAborted: whether the signal ended it.
    static func endDecode(wasAborted: Bool) {
        shared.withLock { state in
            state.decodeSignal = nil
            if wasAborted { state.logger?.debug("a decode was aborted by a cancellation or by the shutdown") }
        }
    }

    private struct State {
        var logger: Logger?
        var lines = LlamaLogLines()
        var lastError: String?
        /// The signal of the running decode.
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
                // Later lines of a failure only report that it failed; the first names the cause.
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
