import MartletGenerations
package import MartletGrammar
package import MartletProtocol
package import MartletSchema
package import MartletStreams

// The one table between the errors of the application core and HTTP.
//
// The core does not know statuses or the words of the wire. An error of a lower layer (engine, grammar, schema) becomes
// a `GenerationError` first, so that its message and its details are the same in a response and in a log.
extension GenerationError.Kind {
    /// The HTTP status.
    package var status: Int {
        switch self {
        case .invalidRequest, .contextExceeded: 400
        // llama-server has 501, but client libraries repeat a request after any 5xx.
        case .notSupported: 400
        case .forbidden: 403
        case .notFound: 404
        case .timedOut: 408
        case .conflict: 409
        case .rateLimited: 429
        case .failed: 500
        case .overloaded, .unavailable: 503
        }
    }

    /// The error's `type`, on which clients branch.
    package var type: String {
        switch self {
        case .invalidRequest: "invalid_request_error"
        case .notSupported: "not_supported_error"
        case .forbidden: "permission_error"
        case .notFound: "not_found_error"
        case .conflict: "conflict_error"
        case .contextExceeded: "exceed_context_size_error"
        case .rateLimited: "rate_limit_error"
        case .overloaded: "overloaded_error"
        case .timedOut: "request_timeout_error"
        case .unavailable: "unavailable_error"
        case .failed: "server_error"
        }
    }
}

extension APIError {
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
