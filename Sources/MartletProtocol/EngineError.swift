/// Why an engine could not do what it was asked.
package struct EngineError: Error, Sendable, Equatable {
    package enum Code: UInt8, Sendable, CaseIterable {
        /// The request is at fault; repeating it cannot help.
        case invalidRequest = 0
        /// The prompt does not fit the context. `promptTokens` and `contextSize` are set.
        case contextExceeded = 1
        /// The queue is full; a later try can help.
        case overloaded = 2
        /// This generation failed; others are unharmed.
        case generationFailed = 3
        /// The model cannot be loaded.
        case loadFailed = 4
        /// The engine died under the request.
        case engineLost = 5
        /// The engine is being shut down.
        case shuttingDown = 6
        /// Nobody read the answer for too long.
        case abandoned = 7
    }
    package var code: Code
    /// One sentence that names the rule and the value.
    package var message: String
    /// The field of the request that is at fault, as clients spell it, where the engine knows it.
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
