package import MartletJSON
import OrderedCollections

/// A refusal or failure as a client sees it: one HTTP status and one JSON body.
///
/// The body is llama-server's, `{"error":{"code","message","type"}}`, with OpenAI's `param` where one field is at
/// fault.
package struct APIError: Error, Sendable, Equatable {
    /// The error's `type`, on which clients branch. Each kind has one HTTP status.
    package enum Kind: String, Sendable, CaseIterable {
        case invalidRequest = "invalid_request_error"
        case authentication = "authentication_error"
        case forbidden = "permission_error"
        case notFound = "not_found_error"
        case methodNotAllowed = "method_not_allowed_error"
        case timeout = "request_timeout_error"
        case tooLarge = "request_too_large_error"
        case unsupportedMedia = "unsupported_media_type_error"
        case uriTooLong = "uri_too_long_error"
        case upgradeRequired = "upgrade_required_error"
        case rangeNotSatisfiable = "range_not_satisfiable_error"
        case headersTooLarge = "headers_too_large_error"
        /// The prompt is longer than the context; the error has both lengths.
        case contextExceeded = "exceed_context_size_error"
        /// Valid at llama-server or OpenAI, but not supported by this version. The status is 400 and not llama-server's
        /// 501,
        /// because client libraries repeat a request after any 5xx.
        /// client libraries repeat a request after any 5xx.
        case notSupported = "not_supported_error"
        /// The request contradicts the current state of its target, such as a pause of a paused generation.
        case conflict = "conflict_error"
        /// One client exceeds its share. Other clients are served.
        case rateLimited = "rate_limit_error"
        /// The server has no capacity for any client.
        case overloaded = "overloaded_error"
        case server = "server_error"
        /// A part of HTTP that this server lacks. Browsers and client libraries do not use it.
        case notImplemented = "not_implemented_error"
        /// The model is loading, or the server is shutting down. A later try can succeed.
        case unavailable = "unavailable_error"

        /// The HTTP status. This table is the only place that maps errors to statuses.
        package var status: Int {
            switch self {
            case .invalidRequest, .contextExceeded, .notSupported: 400
            case .authentication: 401
            case .forbidden: 403
            case .notFound: 404
            case .methodNotAllowed: 405
            case .timeout: 408
            case .conflict: 409
            case .tooLarge: 413
            case .uriTooLong: 414
            case .unsupportedMedia: 415
            case .rangeNotSatisfiable: 416
            case .upgradeRequired: 426
            case .rateLimited: 429
            case .headersTooLarge: 431
            case .server: 500
            case .notImplemented: 501
            case .overloaded, .unavailable: 503
            }
        }
    }
    package var kind: Kind
    /// One sentence that names the field, the rule and the value.
    package var message: String
    /// The field at fault, such as `messages[2].role`.
    package var parameter: String?
    /// A code that names the fault more precisely than the type, such as `invalid_grammar`; nil = the status.
    package var code: String?
    /// The position of the fault in a field's text, counted from 1; for grammars.
    package var line: Int?
    package var column: Int?
    /// The position of the fault in a JSON Schema as a JSON pointer, and the keyword there.
    package var pointer: String?
    package var keyword: String?
    /// Both lengths in tokens, for a prompt that exceeds the context.
    package var promptTokens: Int?
    package var contextSize: Int?
    /// One word that separates faults of one type, such as `not_paused`.
    package var reason: String?

    /// - Parameters:
    ///   - message: one sentence.
    ///   - parameter: the field at fault.
    package init(_ kind: Kind, _ message: String, parameter: String? = nil) {
        self.kind = kind
        self.message = message
        self.parameter = parameter
    }

    /// The error of a field whose value breaks a rule.
    /// - Parameter rule: the rule and the value, such as "Value must be a string, but got 5".
    package static func field(_ name: String, _ rule: String) -> APIError {
        APIError(.invalidRequest, "Field '\(name)': \(rule)", parameter: name)
    }

    /// The HTTP status of the kind.
    package var status: Int { kind.status }

    /// The value of the member `error`. The base is llama-server's; optional members are added only if they are set.
    package var object: JSONValue {
        var members: JSONObject = [
            "code": code.map { .string($0) } ?? .integer(Int64(status)), "message": .string(message),
            "type": .string(kind.rawValue),
        ]
        if let parameter { members["param"] = .string(parameter) }
        if let reason { members["reason"] = .string(reason) }
        if let line { members["line"] = .integer(Int64(line)) }
        if let column { members["column"] = .integer(Int64(column)) }
        if let pointer { members["pointer"] = .string(pointer) }
        if let keyword { members["keyword"] = .string(keyword) }
        if let promptTokens { members["n_prompt_tokens"] = .integer(Int64(promptTokens)) }
        if let contextSize { members["n_ctx"] = .integer(Int64(contextSize)) }
        return .object(members)
    }

    /// Appends `{"error":{…}}`.
    package func write(to bytes: inout [UInt8]) {
        JSONText.appendRaw("{\"error\":", to: &bytes)
        object.write(to: &bytes)
        JSONText.appendRaw("}", to: &bytes)
    }

    /// The body of an error response.
    /// - Complexity: O(length of the message).
    package func body() -> [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }
}

extension APIError {
    /// The error of a body that is no JSON or is nested too deeply.
    package init(_ error: JSONError) {
        self.init(.invalidRequest, "The body is not valid JSON: \(error)")
    }
}
