internal import MartletAPI
internal import NIOCore
internal import NIOHTTP1

/// The framework's decoder of HTTP/1 requests, which also distinguishes lengths that it cannot count:
/// `99999999999999999999` is too large and refused with 413, `5x` is no number and refused with 400. So are chunks that
/// announce more than a body may have.
///
/// Thread: the channel's event loop.
final class EdgeDecoder: ByteToMessageDecoder {
    typealias InboundOut = HTTPServerRequestPart

    private let decoder: HTTPRequestDecoder
    /// Stands behind the decoder and knows which part of a request it has reached.
    private let codec: EdgeCodec
    private let limits: ServerConfiguration.Limits
    /// Of the chunked body that comes. `nil` also for a body whose first byte came together with the end of the request
    /// before it: its place is not known.
    private var chunks: ChunkSizes?
    /// Bytes at the beginning of the buffer that the decoder knows and has not taken out: of a field that is not
    /// complete.
    private var knownCount = 0

    init(codec: EdgeCodec, limits: ServerConfiguration.Limits) {
        self.codec = codec
        self.limits = limits
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = limits.headerFieldBytes
        configuration.maxHeaderListSize = limits.headerBytes
        configuration.maxHeaderFieldCount = limits.headerCount
        // Bytes behind a request for another protocol are that protocol's.
        decoder = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: configuration)
    }

    func decoderAdded(context: ChannelHandlerContext) { decoder.decoderAdded(context: context) }

    func decoderRemoved(context: ChannelHandlerContext) { decoder.decoderRemoved(context: context) }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        // A line more at a time, as a body begins behind the line with which the head ends.
        while !codec.isInRequest,
            let end = buffer.readableBytesView.dropFirst(knownCount).firstIndex(of: UInt8(ascii: "\n")),
            var lines = buffer.getSlice(at: buffer.readerIndex, length: end + 1 - buffer.readerIndex)
        {
            let count = lines.readableBytes
            try pass(&lines, context)
            buffer.moveReaderIndex(forwardBy: count - lines.readableBytes)
            if codec.isInChunks {
                chunks = ChunkSizes(byteLimit: limits.bodyBytes, extensionLimit: limits.headerBytes)
            }
        }
        guard buffer.readableBytes > knownCount else { return .needMoreData }
        do throws(APIError) {
            try chunks?.read(buffer.readableBytesView.dropFirst(knownCount))
        } catch {
            throw RefusedRequest(error)
        }
        try pass(&buffer, context)
        if !codec.isInChunks { chunks = nil }
        return .needMoreData
    }

    private func pass(_ buffer: inout ByteBuffer, _ context: ChannelHandlerContext) throws {
        do {
            _ = try decoder.decode(context: context, buffer: &buffer)
            knownCount = buffer.readableBytes
        } catch HTTPParserError.invalidContentLength where Self.endsInLargeLength(buffer.readableBytesView) {
            throw RefusedRequest(APIError(.tooLarge, "Header 'Content-Length': Value is larger than any body may be"))
        }
    }

    func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        try decoder.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
    }

    /// Whether the last `Content-Length` of `bytes` begins with more digits than 64 bits hold. Where the header's name
    /// is not among the bytes, they begin with its value.
    static func endsInLargeLength(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        let name = Array("content-length:".utf8)
        // In lower case.
        let text = bytes.map { $0 | 0x20 }
        var start = 0
        if text.count >= name.count {
            for index in (0...(text.count - name.count)).reversed()
            where text[index..<index + name.count].elementsEqual(name) {
                start = index + name.count
                break
            }
        }
        let value = bytes.dropFirst(start).drop { $0 == 0x20 || $0 == 0x09 }
        let digits = value.prefix { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        let significant = digits.drop { $0 == UInt8(ascii: "0") }
        let end = value.dropFirst(digits.count).first
        return significant.count >= 20 && (end == nil || end == 0x0D || end == 0x0A || end == 0x20 || end == 0x09)
    }
}
