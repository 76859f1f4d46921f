internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletJSON
internal import NIOCore

extension Request {
    /// The body as JSON.
    /// - Throws: `APIError` when it is too large or no JSON.
    func json(upTo limit: Int) async throws -> JSONValue {
        // A length that no integer holds is a number, too: HTTP's decoder has seen to that.
        if let length = headers[.contentLength], Int(length).map({ $0 > limit }) ?? true {
            throw APIError.bodyTooLarge(limit: limit, got: length)
        }
        let codings = try ContentCoding.list(headers[values: .contentEncoding])
        let buffer: ByteBuffer
        do {
            buffer = try await body.collect(upTo: limit)
        } catch is NIOTooManyBytesError {
            throw APIError.bodyTooLarge(limit: limit)
        }
        let bytes = try ContentCoding.decode(Array(buffer.readableBytesView), codings, upTo: limit)
        do throws(JSONError) {
            return try JSONParser.parse(bytes)
        } catch {
            throw APIError(error)
        }
    }
}
