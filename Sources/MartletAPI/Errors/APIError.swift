package import MartletJSON
package import MartletStreams
import OrderedCollections

/// A refusal or failure as a client sees it: one HTTP status and one JSON body.
///
/// It is an error of the application core, or a fault of HTTP that the core does not know. Message and details are those
/// of a `GenerationError` in both cases; `error.message` and `error.field` read them.
///
/// The body is llama-server's, `{"error":{"code","message","type"}}`, with OpenAI's `param` where one field is at
/// fault.
@dynamicMemberLookup
package struct APIError: Error, Sendable, Equatable {
    /// A fault of HTTP itself. The raw value is the error's `type`, on which clients branch.
    package enum HTTPFault: String, Sendable, CaseIterable {
        case authentication = "authentication_error"
        case methodNotAllowed = "method_not_allowed_error"
        case tooLarge = "request_too_large_error"
        case unsupportedMedia = "unsupported_media_type_error"
        case uriTooLong = "uri_too_long_error"
        case upgradeRequired = "upgrade_required_error"
        case rangeNotSatisfiable = "range_not_satisfiable_error"
        /// The resource is not in the state that `If-Match` or `If-None-Match` expects.
        case preconditionFailed = "precondition_failed_error"
        case headersTooLarge = "headers_too_large_error"
        /// A part of HTTP that this server lacks. Browsers and client libraries do not use it.
        case notImplemented = "not_implemented_error"
        /// The storage of the client's data is full.
        case insufficientStorage = "insufficient_storage_error"

        /// The HTTP status. This table and that of `GenerationError.Kind` are the only ones that map errors to statuses.
        package var status: Int {
            switch self {
            case .authentication: 401
            case .methodNotAllowed: 405
            case .preconditionFailed: 412
            case .tooLarge: 413
            case .uriTooLong: 414
            case .unsupportedMedia: 415
            case .rangeNotSatisfiable: 416
            case .upgradeRequired: 426
            case .headersTooLarge: 431
            case .notImplemented: 501
            case .insufficientStorage: 507
            }
        }
    }

    /// Message and details. Its kind counts unless there is a fault of HTTP; then it is `invalidRequest`.
    package var error: GenerationError
    /// The fault of HTTP; nil for an error of the application core.
    package let fault: HTTPFault?

    /// An error of the application core as a client sees it.
    package init(_ error: GenerationError) {
        self.error = error
        fault = nil
    }

    /// - Parameters:
    ///   - message: one sentence that names the field, the rule and the value.
    ///   - field: the field at fault, such as `messages[2].role`.
    package init(_ kind: GenerationError.Kind, _ message: String, field: String? = nil) {
        self.init(GenerationError(kind, message, field: field))
    }

    /// - Parameter field: the header field at fault.
    package init(_ fault: HTTPFault, _ message: String, field: String? = nil) {
        error = GenerationError(.invalidRequest, message, field: field)
        self.fault = fault
    }

    /// The error of a field whose value breaks a rule.
    /// - Parameter rule: the rule and the value, such as "Value must be a string, but got 5".
    package static func field(_ name: String, _ rule: String) -> APIError { APIError(.field(name, rule)) }

    /// A detail of the error, such as `message` or `line`.
    package subscript<Value>(dynamicMember member: WritableKeyPath<GenerationError, Value>) -> Value {
        get { error[keyPath: member] }
        set { error[keyPath: member] = newValue }
    }

    /// The same error with the names that a dialect has for shared fields.
    ///
    /// - Parameter names: pairs of the shared field's path and the dialect's; the first that matches counts.
    package func renamingFields(_ names: [(shared: String, own: String)]) -> APIError {
        guard let field = error.field, let name = names.first(where: { field.hasPrefix($0.shared) }) else {
            return self
        }
        var renamed = self
        let path = name.own + field.dropFirst(name.shared.count)
        renamed.error.field = path
        let prefix = "Field '\(field)'"
        if error.message.hasPrefix(prefix) {
            renamed.error.message = "Field '\(path)'" + error.message.dropFirst(prefix.count)
        }
        return renamed
    }

    package var status: Int { fault?.status ?? error.kind.status }

    /// The member `type`, on which clients branch.
    package var type: String { fault?.rawValue ?? error.kind.type }

    /// The value of the member `error`. The base is llama-server's; optional members are added only if they are set.
    package var object: JSONValue {
        var members: JSONObject = [
            "code": error.code.map { .string($0) } ?? .integer(Int64(status)), "message": .string(error.message),
            "type": .string(type),
        ]
        if let field = error.field { members["param"] = .string(field) }
        if let reason = error.reason { members["reason"] = .string(reason) }
        if let line = error.line { members["line"] = .integer(Int64(line)) }
        if let column = error.column { members["column"] = .integer(Int64(column)) }
        if let pointer = error.pointer { members["pointer"] = .string(pointer) }
        if let keyword = error.keyword { members["keyword"] = .string(keyword) }
        if let promptTokens = error.promptTokens { members["n_prompt_tokens"] = .integer(Int64(promptTokens)) }
        if let contextSize = error.contextSize { members["n_ctx"] = .integer(Int64(contextSize)) }
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
