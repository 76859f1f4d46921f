internal import CZlib

/// How a request's body may be compressed.
///
/// The decoded bytes count against the limit of a body, and decoding ends there: some kilobytes can stand for
/// gigabytes.
package enum ContentCoding {
    case gzip
    /// The zlib form, as HTTP has it; also without its frame, as some clients send it.
    case deflate

    /// The value of `Accept-Encoding`.
    package static let accepted = "gzip, deflate"
    private static let countLimit = 3

    /// - Parameter fields: the values of `Content-Encoding`.
    /// - Returns: the codings that were applied, in that order.
    /// - Throws: `unsupportedMedia` for any other.
    package static func list(_ fields: [String]) throws(APIError) -> [ContentCoding] {
        var codings: [ContentCoding] = []
        for name in fields.flatMap({ $0.split(separator: ",", omittingEmptySubsequences: false) }) {
            let name = name.drop { $0 == " " || $0 == "\t" }.lowercased()
            switch String(name.prefix { $0 != " " && $0 != "\t" }) {
            case "gzip", "x-gzip": codings.append(.gzip)
            case "deflate": codings.append(.deflate)
            case "identity": break
            default: throw refusal("Value must be one of gzip, deflate, identity, but got \"\(name.prefix(64))\"")
            }
        }
        guard codings.count <= countLimit else {
            throw refusal("At most \(countLimit) codings are allowed, but got \(codings.count)")
        }
        return codings
    }

    private static func refusal(_ rule: String) -> APIError {
        APIError(.unsupportedMedia, "Header 'Content-Encoding': \(rule)", parameter: "Content-Encoding")
    }

    /// - Parameter codings: as they were applied; the last one is taken off first.
    /// - Throws: `tooLarge` beyond `limit` bytes.
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

    fileprivate var name: String { self == .gzip ? "gzip" : "deflate" }
}

extension APIError {
    /// - Parameter got: how many bytes it has, where a header says so.
    package static func bodyTooLarge(limit: Int, got: String? = nil) -> APIError {
        APIError(.tooLarge, "The body may have at most \(limit) bytes\(got.map { ", but has \($0)" } ?? "")")
    }
}

/// Decodes one body with zlib.
private struct Inflation: ~Copyable {
    /// Bytes that are made at once.
    private static let step = 1 << 16

    private let coding: ContentCoding
    /// zlib remembers where it is.
    private let stream: UnsafeMutablePointer<z_stream>

    init(_ coding: ContentCoding, _ body: [UInt8]) throws(APIError) {
        self.coding = coding
        stream = .allocate(capacity: 1)
        stream.initialize(to: z_stream())
        // The largest window; 16 = gzip's frame, negative = none.
        let windowBits: Int32 =
            switch coding {
            case .gzip: 15 + 16
            case .deflate: Self.hasFrame(body) ? 15 : -15
            }
        guard inflateInit2_(stream, windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else {
            throw APIError(.server, "The server failed to decode this request")
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

    mutating func run(_ body: [UInt8], upTo limit: Int) throws(APIError) -> [UInt8] {
        var output: [UInt8] = []
        var position = 0
        var isWhole = false
        var chunk = [UInt8](repeating: 0, count: Self.step)
        while !isWhole || position < body.count {
            // Only gzip may go on with another member.
            if isWhole {
                guard coding == .gzip, inflateReset(stream) == Z_OK else {
                    throw invalid("there is more behind its end")
                }
                isWhole = false
            }
            let (status, consumed, made) = step(body, from: position, into: &chunk)
            position += consumed
            guard output.count + made <= limit else { throw APIError.bodyTooLarge(limit: limit) }
            output += chunk[..<made]
            switch status {
            case Z_STREAM_END: isWhole = true
            case Z_OK where consumed > 0 || made > 0: break
            case Z_OK, Z_BUF_ERROR: throw invalid("it ends too early")
            default: throw invalid(stream.pointee.msg.map { String(cString: $0) } ?? "it is damaged")
            }
        }
        return output
    }

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

    private func invalid(_ reason: String) -> APIError {
        APIError(.invalidRequest, "The body is not valid \(coding.name): \(reason)")
    }
}
