/// An error of an engine. Each code maps to one HTTP status.
package struct EngineError: Error, Sendable, Equatable {
    /// The kind of failure. The raw values are part of frames and journals.
    package enum Code: UInt8, Sendable, CaseIterable {
        /// The request is invalid; repeating it cannot help.
        case invalidRequest = 0
        /// The prompt exceeds the context. `promptTokens` and `contextSize` are set.
        case contextExceeded = 1
        /// The queue is full; a later attempt can succeed.
        case overloaded = 2
        /// This generation failed; others are not affected.
        case generationFailed = 3
        /// The model cannot be loaded.
        case loadFailed = 4
        /// The engine died while it ran the request.
        case engineLost = 5
        /// The engine is shutting down.
        case shuttingDown = 6
        /// No client read the output for too long.
        case abandoned = 7
        /// The model cannot be loaded, or its engine died, because memory was short.
        case outOfMemory = 8
    }
    package var code: Code
    /// One sentence that names the rule and the value.
    package var message: String
    /// The invalid field of the request in the spelling of clients; `nil` if the engine does not know it.
    package var parameter: String?
    package var promptTokens: Int?
    package var contextSize: Int?

    package init(
        _ code: Code, _ message: String, parameter: String? = nil, promptTokens: Int? = nil, contextSize: Int? = nil
    ) {
        self.code = code
        self.message = message
        self.parameter = parameter
        self.promptTokens = promptTokens
        self.contextSize = contextSize
    }
}

extension EngineError: CustomStringConvertible {
    package var description: String { message }
}
