internal import HTTPTypes
internal import Hummingbird
internal import MartletAPI
internal import MartletJSON
internal import MartletStreams
internal import NIOCore

extension Request {
    /// Reads the body as JSON and decompresses it if necessary.
    /// - Parameter limit: the most bytes of the body, before and after decompression.
    /// - Throws: `APIError` if the body is too large or no JSON.
    func json(upTo limit: Int) async throws -> JSONValue {
        let bytes = try await bytes(upTo: limit)
        do throws(JSONError) {
            return try JSONParser.parse(bytes)
        } catch {
            throw APIError(error)
        }
    }

    /// Reads the body and decompresses it if necessary.
    /// - Parameter limit: the most bytes of the body, before and after decompression.
    /// - Throws: `APIError` if the body is too large.
    func bytes(upTo limit: Int) async throws -> [UInt8] {
        // Digits beyond the range of integers are a number, too: the decoder has checked the digits.
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
        return try ContentCoding.decode(Array(buffer.readableBytesView), codings, upTo: limit)
    }
}
