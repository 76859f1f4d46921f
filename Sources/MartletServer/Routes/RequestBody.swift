internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletJSON
internal import NIOCore

extension Request {
    /// The body as JSON.
    /// - Throws: `APIError` when it is too large or no JSON.
    func json(upTo limit: Int) async throws -> JSONValue {
        if let length = headers[.contentLength], let count = Int(length), count > limit {
            throw APIError.bodyTooLarge(limit: limit, got: length)
        }
        let buffer = try await body.collect(upTo: limit)
        do throws(JSONError) {
            return try JSONParser.parse(Array(buffer.readableBytesView))
        } catch {
            throw APIError(error)
        }
    }
}
