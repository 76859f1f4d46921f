package import MartletProtocol

/// The reason why a call about a generation is refused or cannot be completed.
///
/// The logs and the application core throw it. The type knows neither HTTP nor a wire format. `APIError(_: GenerationError)` in `MartletAPI` maps it to a status
/// and a body in one table.
package struct GenerationError: Error, Sendable, Equatable {
    /// The class of the fault. A caller decides by it whether a repetition can succeed.
    package enum Kind: Sendable, CaseIterable {
        /// A value of the request breaks a rule.
        case invalidRequest
        /// The model or the server's settings do not support the request.
        case notSupported
        /// The owner of the request lacks a right.
        case forbidden
        /// No generation or model has the name.
        case notFound
        /// The generation's state excludes the command.
        case conflict
        /// The prompt does not fit into the context.
        case contextExceeded
        /// One owner has reached its share.
        case rateLimited
        /// The server has reached a limit that all owners share.
        case overloaded
        /// No reader came in time.
        case timedOut
        /// The model loads, or the server starts or ends. The same call may succeed later.
        case unavailable
        /// The engine or the server has a fault.
        case failed
    }
    package var kind: Kind
    /// One sentence that names the field, the rule and the value.
    package var message: String
    /// The path of the field at fault, such as `messages[2].role`.
    package var field: String?
    /// An identifier for programs, such as `invalid_grammar`, for faults that share a kind.
    package var code: String?
    /// An identifier for programs that names the state which excludes a control command.
    package var reason: String?
    /// The position of the fault in a text that a field contains, counted from 1.
    package var line: Int?
    package var column: Int?
    /// The position of the fault in a JSON Schema, and the keyword at fault.
    package var pointer: String?
    package var keyword: String?
    /// The length of a prompt that is too long, in tokens.
    package var promptTokens: Int?
    /// The length of the context, in tokens.
    package var contextSize: Int?

    /// Makes an error without details.
    package init(_ kind: Kind, _ message: String, field: String? = nil) {
        self.kind = kind
        self.message = message
        self.field = field
    }

    /// A value that breaks the rule of its field.
    package static func field(_ name: String, _ rule: String) -> GenerationError {
        GenerationError(.invalidRequest, "Field '\(name)': \(rule)", field: name)
    }

    /// A name of a model that this server does not serve. The code is OpenAI's.
    package static func unknownModel(_ message: String) -> GenerationError {
        var error = GenerationError(.notFound, message, field: "model")
        error.code = "model_not_found"
        return error
    }
}

extension GenerationError {
    /// A refusal or failure of the engine.
    package init(_ error: EngineError) {
        let kind: Kind =
            switch error.code {
            case .invalidRequest: .invalidRequest
            case .contextExceeded: .contextExceeded
            case .overloaded: .overloaded
            case .generationFailed, .loadFailed, .engineLost, .outOfMemory: .failed
            case .shuttingDown: .unavailable
            case .abandoned: .timedOut
            }
        self.init(kind, error.message, field: error.parameter)
        if error.code == .invalidRequest, error.parameter == "grammar" { code = "invalid_grammar" }
        promptTokens = error.promptTokens
        contextSize = error.contextSize
    }
}

extension EngineError {
    /// A refusal that comes after the response has begun, in the form that a log stores.
    package init(_ error: GenerationError) {
        let code: Code =
            switch error.kind {
            case .contextExceeded: .contextExceeded
            case .overloaded, .rateLimited: .overloaded
            case .unavailable: .shuttingDown
            case .failed: .generationFailed
            case .invalidRequest, .notSupported, .forbidden, .notFound, .conflict, .timedOut: .invalidRequest
            }
        self.init(
            code, error.message, parameter: error.field, promptTokens: error.promptTokens,
            contextSize: error.contextSize)
    }
}
