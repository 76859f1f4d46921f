package import MartletJSON
package import MartletProtocol
import OrderedCollections

/// A refusal or failure as a client sees it: one HTTP status and one JSON body.
///
/// The body is llama-server's, `{"error":{"code","message","type"}}`, with OpenAI's `param` where one field is at
/// fault.
package struct APIError: Error, Sendable, Equatable {
    /// What clients branch on.
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
        case contextExceeded = "exceed_context_size_error"
        /// Valid at llama-server or OpenAI, but nothing that this version does. 400 and not llama-server's 501, because
        /// client libraries repeat a request after any 5xx.
        case notSupported = "not_supported_error"
        /// What is asked for does not fit what goes on now.
        case conflict = "conflict_error"
        /// One client asks for more than its share.
        case rateLimited = "rate_limit_error"
        case overloaded = "overloaded_error"
        case server = "server_error"
        /// A part of HTTP that this server does not have. Browsers and client libraries do not ask for it.
        case notImplemented = "not_implemented_error"
        case unavailable = "unavailable_error"

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
    /// What programs tell this fault by, where the status says too little. In its place the body has the status.
    package var code: String?
    /// Where the fault is in a text that a field holds, counted from 1.
    package var line: Int?
    package var column: Int?
    /// Where the fault is in a JSON Schema, and which keyword it is.
    package var pointer: String?
    package var keyword: String?
    package var promptTokens: Int?
    package var contextSize: Int?
    /// A word for programs, where the kind says too little.
    package var reason: String?

    package init(_ kind: Kind, _ message: String, parameter: String? = nil) {
        self.kind = kind
        self.message = message
        self.parameter = parameter
    }

    /// A value that breaks the rule of its field.
    package static func field(_ name: String, _ rule: String) -> APIError {
        APIError(.invalidRequest, "Field '\(name)': \(rule)", parameter: name)
    }

    /// What an engine's refusal or failure is for a client.
    package init(_ error: EngineError) {
        let kind: Kind =
            switch error.code {
            case .invalidRequest: .invalidRequest
            case .contextExceeded: .contextExceeded
            case .overloaded: .overloaded
            case .generationFailed, .loadFailed, .engineLost: .server
            case .shuttingDown: .unavailable
            case .abandoned: .timeout
            }
        self.init(kind, error.message, parameter: error.parameter)
        if error.code == .invalidRequest, error.parameter == "grammar" { code = "invalid_grammar" }
        promptTokens = error.promptTokens
        contextSize = error.contextSize
    }

    package var status: Int { kind.status }

    /// What stands behind `"error"`.
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

    /// The whole body of a response.
    package func body() -> [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }
}

extension APIError {
    /// A body that is no JSON, or too deep.
    package init(_ error: JSONError) {
        self.init(.invalidRequest, "The body is not valid JSON: \(error)")
    }
}
