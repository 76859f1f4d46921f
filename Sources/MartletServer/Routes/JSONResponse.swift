internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletJSON
internal import MartletStreams
internal import NIOCore

extension HTTPFields {
    /// Sets `X-Martlet-Warnings`, or removes it if there is nothing to report.
    ///
    /// Sentences about fields are bounded and printable; the sentence about the model has the bytes of its name.
    /// - Parameters:
    ///   - model: the sentence about the model that the request names.
    ///   - fields: the sentences about its fields.
    mutating func setWarnings(_ model: String?, _ fields: [String]) {
        let parts = [model, UnusedFields.header(fields)].compactMap(\.self)
        self[.warnings] = parts.isEmpty ? nil : parts.joined(separator: "; ")
    }
}

extension Response {
    /// A response with a JSON document.
    static func json(_ body: [UInt8], status: HTTPResponse.Status = .ok, headers: HTTPFields = [:]) -> Response {
        var headers = headers
        headers[.contentType] = "application/json; charset=utf-8"
        return Response(status: status, headers: headers, body: ResponseBody(byteBuffer: ByteBuffer(bytes: body)))
    }

    /// A response with a JSON value.
    static func json(_ value: JSONValue) -> Response {
        json(value.bytes)
    }

    /// A response with an error, and the headers that HTTP demands for its status.
    /// - Parameter form: the form of the body.
    static func error(_ error: APIError, in form: Dialect.ErrorForm = .common) -> Response {
        var headers = HTTPFields()
        switch error.fault {
        case .authentication: headers[.wwwAuthenticate] = "Bearer"
        case .unsupportedMedia: headers[.acceptEncoding] = ContentCoding.accepted
        // The rest of the request's body is not read.
        case .tooLarge: headers[.connection] = "close"
        case .methodNotAllowed, .uriTooLong, .upgradeRequired, .rangeNotSatisfiable, .headersTooLarge,
            .notImplemented, .preconditionFailed, .insufficientStorage:
            break
        case nil:
            switch error.kind {
            case .rateLimited, .overloaded, .unavailable: headers[.retryAfter] = "1"
            case .invalidRequest, .notSupported, .forbidden, .notFound, .conflict, .contextExceeded, .timedOut, .failed:
                break
            }
        }
        return json(form.body(error), status: HTTPResponse.Status(code: form.status(error)), headers: headers)
    }
}
