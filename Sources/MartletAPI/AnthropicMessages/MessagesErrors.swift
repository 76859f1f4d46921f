import MartletGenerations
import MartletJSON
import MartletProtocol
import MartletStreams
import OrderedCollections

/// Errors in the form of Anthropic: `{"type": "error", "error": {"type", "message"}}`.
enum MessagesErrors {
    /// The status of an error. Anthropic has 529 for an overload; its clients repeat the request.
    static func status(of error: APIError) -> Int {
        switch error.fault == nil ? error.kind : nil {
        case .overloaded?, .unavailable?: 529
        case .timedOut?: 504
        default: error.status
        }
    }

    /// Anthropic's word for an error, on which its clients branch.
    static func type(of error: APIError) -> String {
        switch error.fault {
        case .authentication?: return "authentication_error"
        case .tooLarge?: return "request_too_large"
        case .methodNotAllowed?, .unsupportedMedia?, .uriTooLong?, .upgradeRequired?, .rangeNotSatisfiable?,
            .headersTooLarge?, .notImplemented?, .preconditionFailed?, .insufficientStorage?:
            return "invalid_request_error"
        case nil: break
        }
        return switch error.kind {
        case .invalidRequest, .notSupported, .contextExceeded, .conflict: "invalid_request_error"
        case .forbidden: "permission_error"
        case .notFound: "not_found_error"
        case .rateLimited: "rate_limit_error"
        case .overloaded, .unavailable: "overloaded_error"
        case .timedOut: "timeout_error"
        case .failed: "api_error"
        }
    }

    /// The body of an error response, and the data of the event `error`.
    static func body(of error: APIError) -> JSONValue {
        var detail: JSONObject = ["type": .string(type(of: error)), "message": .string(error.message)]
        if let field = error.field { detail["param"] = .string(field) }
        return ["type": "error", "error": .object(detail)]
    }
}
