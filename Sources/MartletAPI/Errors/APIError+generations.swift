package import MartletGenerations
package import MartletGrammar
package import MartletProtocol
package import MartletSchema

// The one table between the errors of the application core and HTTP. `APIError.Kind.status` has the statuses.
//
// The core does not know statuses or the words of the wire. An error of a lower layer (engine, grammar, schema) becomes
// a `GenerationError` first, so that its message and its details are the same in a response and in a log.
extension APIError {
    /// An error of the application core as a client sees it.
    package init(_ error: GenerationError) {
        let kind: Kind =
            switch error.kind {
            case .invalidRequest: .invalidRequest
            case .notSupported: .notSupported
            case .forbidden: .forbidden
            case .notFound: .notFound
            case .conflict: .conflict
            case .contextExceeded: .contextExceeded
            case .rateLimited: .rateLimited
            case .overloaded: .overloaded
            case .timedOut: .timeout
            case .unavailable: .unavailable
            case .failed: .server
            }
        self.init(kind, error.message, parameter: error.field)
        // The details are members of the error body; an absent detail is an absent member.
        code = error.code
        reason = error.reason
        line = error.line
        column = error.column
        pointer = error.pointer
        keyword = error.keyword
        promptTokens = error.promptTokens
        contextSize = error.contextSize
    }

    /// A refusal or failure of the engine.
    package init(_ error: EngineError) { self.init(GenerationError(error)) }

    /// A grammar that breaks a rule or a limit.
    package init(_ error: GrammarError, field: String) { self.init(GenerationError(error, field: field)) }

    /// A JSON Schema that cannot become a grammar.
    ///
    /// - Parameter owner: the thing that has the schema, for fields that contain several schemas.
    package init(_ error: SchemaError, field: String, of owner: String? = nil) {
        self.init(GenerationError(error, field: field, of: owner))
    }

    /// Runs a call into the application core and converts its error.
    ///
    /// For callers with typed errors. `ErrorMiddleware` converts the errors that routes throw.
    package static func mapping<Result>(
        _ call: () throws(GenerationError) -> Result
    ) throws(APIError) -> Result {
        do throws(GenerationError) {
            return try call()
        } catch {
            throw APIError(error)
        }
    }
}
