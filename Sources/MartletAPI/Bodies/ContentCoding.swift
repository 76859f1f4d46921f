internal import CZlib
import MartletStreams
import MartletText

/// The compression of a request's body, as `Content-Encoding` names it.
///
/// The limit of a body applies to the decoded bytes, and decoding ends at the limit: some kilobytes of compressed
/// data can stand for gigabytes.
package enum ContentCoding {
    case gzip
    /// The zlib format (RFC 1950), which HTTP calls deflate. Raw deflate data (RFC 1951) is accepted too, as some
    /// clients
    /// send it.
    case deflate

    /// The value of `Accept-Encoding`.
    package static let accepted = "gzip, deflate"
    /// The most codings of one body. Each one costs a pass over the body.
    private static let countLimit = 3

    /// Parses `Content-Encoding`.
    /// - Parameter fields: the values of all header fields of that name.
    /// - Returns: the codings in the order in which the client applied them; `identity` is omitted.
    /// - Throws: `unsupportedMedia` for an unknown coding and for more than three.
    package static func list(_ fields: [String]) throws(APIError) -> [ContentCoding] {
        var codings: [ContentCoding] = []
        for name in fields.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            let name = name.drop { $0 == " " || $0 == "\t" }.lowercased()
            switch String(name.prefix { $0 != " " && $0 != "\t" }) {
            case "gzip", "x-gzip": codings.append(.gzip)
            case "deflate": codings.append(.deflate)
            case "identity": break
            default:
                throw refusal("Value must be one of gzip, deflate, identity, but got \"\(name.excerpt(bytes: 64))\"")
            }
        }
        guard codings.count <= countLimit else {
            throw refusal("At most \(countLimit) codings are allowed, but got \(codings.count)")
        }
        return codings
    }

    /// The 415 for a value of `Content-Encoding`.
    private static func refusal(_ rule: String) -> APIError {
        APIError(.unsupportedMedia, "Header 'Content-Encoding': \(rule)", field: "Content-Encoding")
    }

    /// Decodes a whole body.
    /// - Parameters:
    ///   - codings: in the order in which the client applied them. The last one is removed first.
    ///   - limit: the most bytes of the result, and of each intermediate result.
    /// - Throws: `tooLarge` beyond `limit` bytes; `invalidRequest` for damaged, truncated or trailing data.
    package static func decode(
        _ body: [UInt8], _ codings: [ContentCoding], upTo limit: Int
    ) throws(APIError) -> [UInt8] {
        var body = body
        for coding in codings.reversed() {
            var decoder = try Inflation(coding, body)
            body = try decoder.run(body, upTo: limit)
        }
        return body
    }

    /// The name in error messages.
    fileprivate var name: String { self == .gzip ? "gzip" : "deflate" }
}

extension APIError {
    /// The error of a body that is longer than the limit.
    /// - Parameter got: the number of bytes if a header names it.
    package static func bodyTooLarge(limit: Int, got: String? = nil) -> APIError {
        APIError(.tooLarge, "The body may have at most \(limit) bytes\(got.map { ", but has \($0)" } ?? "")")
    }
}

/// A decoder for one body. Owns the memory of a zlib stream and releases it at its end.
private struct Inflation: ~Copyable {
    /// The size of the output buffer in bytes. It bounds the overshoot beyond the limit.
    private static let step = 1 << 16

    private let coding: ContentCoding
    /// On the heap, because zlib stores the address of this structure.
    private let stream: UnsafeMutablePointer<z_stream>

    init(_ coding: ContentCoding, _ body: [UInt8]) throws(APIError) {
        self.coding = coding
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // 15 = the largest window. Adding 16 expects gzip's frame; a negative number expects no frame.
        let windowBits: Int32 =
            switch coding {
            case .gzip: 15 + 16
            case .deflate: Self.hasFrame(body) ? 15 : -15
            }
        guard inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw APIError(.failed, "The server failed to decode this request")
        }
    }

    deinit {
        inflateEnd(stream)
        stream.deallocate()
    }

    /// RFC 1950, 2.2: the method is 8, and both bytes together are a multiple of 31.
    private static func hasFrame(_ body: [UInt8]) -> Bool {
        body.count >= 2 && body[0] & 0x0F == 8 && (Int(body[0]) << 8 | Int(body[1])) % 31 == 0
    }

    /// Decodes `body`, which must be complete.
    mutating func run(_ body: [UInt8], upTo limit: Int) throws(APIError) -> [UInt8] {
        var output: [UInt8] = []
        var position = 0
        var isWhole = false
        var chunk = [UInt8](repeating: 0, count: Self.step)
        while !isWhole || position < body.count {
            // Only gzip data may continue with another member (RFC 1952, 2.2).
            if isWhole {
                guard coding == .gzip, inflateReset(stream) == Z_OK else {
                    throw invalid("data follows its end")
                }
                isWhole = false
            }
            let (status, consumed, made) = step(body, from: position, into: &chunk)
            position += consumed
            guard output.count + made <= limit else { throw APIError.bodyTooLarge(limit: limit) }
            output += chunk[..<made]
            switch status {
            case Z_STREAM_END: isWhole = true
            // Progress: either more input is needed from the body or more room in the buffer.
            case Z_OK where consumed > 0 || made > 0: break
            case Z_OK, Z_BUF_ERROR: throw invalid("it is truncated")
            default: throw invalid(stream.pointee.msg.map { String(cString: $0) } ?? "it is damaged")
            }
        }
        return output
    }

    /// Calls zlib once.
    /// - Returns: zlib's status, the number of input bytes consumed, the number of output bytes in `chunk`.
    private func step(
        _ body: [UInt8], from position: Int, into chunk: inout [UInt8]
    ) -> (status: Int32, consumed: Int, made: Int) {
        body.withUnsafeBufferPointer { input in
            chunk.withUnsafeMutableBufferPointer { output in
                let available = min(input.count - position, Int(Int32.max))
                stream.pointee.next_in = input.baseAddress.map { UnsafeMutablePointer(mutating: $0 + position) }
                stream.pointee.avail_in = UInt32(available)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                let status = inflate(stream, Z_NO_FLUSH)
                return (
                    status, available - Int(stream.pointee.avail_in), output.count - Int(stream.pointee.avail_out)
                )
            }
        }
    }

    /// The error of compressed data with a fault.
    private func invalid(_ reason: String) -> APIError {
        APIError(.invalidRequest, "The body is not valid \(coding.name): \(reason)")
    }
}
