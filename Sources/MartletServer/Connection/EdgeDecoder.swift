internal import MartletAPI
internal import MartletStreams
internal import NIOCore
internal import NIOHTTP1

/// The framework's HTTP/1 decoder with exact errors for lengths.
///
/// `Content-Length: 99999999999999999999` is refused with 413 and `5x` with 400, although the framework rejects both
/// alike. Chunks that announce more than the limit of a body are refused with 413.
///
///
/// Thread: the channel's event loop.
final class EdgeDecoder: ByteToMessageDecoder {
    typealias InboundOut = HTTPServerRequestPart

    private let decoder: HTTPRequestDecoder
    /// The next handler, which knows the part of the request that was decoded last.
    private let codec: EdgeCodec
    private let limits: ServerConfiguration.Limits
    /// The sizes of the current chunked body; nil without one. Also nil for a body whose first byte came together with
    /// the
    /// end of the request before it, because its position is unknown.
    private var chunks: ChunkSizes?
    /// The number of bytes at the beginning of the buffer that the decoder has seen but not removed. They belong to an
    /// incomplete field.
    private var knownCount = 0

    init(codec: EdgeCodec, limits: ServerConfiguration.Limits) {
        self.codec = codec
        self.limits = limits
        var configuration = NIOHTTPDecoderLimitConfiguration()
        configuration.maxHeaderFieldSize = limits.headerFieldBytes
        configuration.maxHeaderListSize = limits.headerBytes
        configuration.maxHeaderFieldCount = limits.headerCount
        // Bytes after a request for an upgrade belong to the other protocol.
        decoder = HTTPRequestDecoder(leftOverBytesStrategy: .forwardBytes, limitConfiguration: configuration)
    }

    func decoderAdded(context: ChannelHandlerContext) { decoder.decoderAdded(context: context) }

    func decoderRemoved(context: ChannelHandlerContext) { decoder.decoderRemoved(context: context) }

    func decode(context: ChannelHandlerContext, buffer: inout ByteBuffer) throws -> DecodingState {
        // One more line at a time, because a body begins after the line that ends the head.
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

    /// Passes bytes to the framework's decoder.
    private func pass(_ buffer: inout ByteBuffer, _ context: ChannelHandlerContext) throws {
        do {
            _ = try decoder.decode(context: context, buffer: &buffer)
            knownCount = buffer.readableBytes
        } catch HTTPParserError.invalidContentLength where Self.endsInLargeLength(buffer.readableBytesView) {
            throw RefusedRequest(APIError(.tooLarge, "Header 'Content-Length': Value exceeds the limit of a body"))
        }
    }

    func decodeLast(
        context: ChannelHandlerContext, buffer: inout ByteBuffer, seenEOF: Bool
    ) throws -> DecodingState {
        try decoder.decodeLast(context: context, buffer: &buffer, seenEOF: seenEOF)
    }

    /// Whether the last `Content-Length` in `bytes` begins with more digits than 64 bits can represent. If the header's
    /// name
    /// is not in the bytes, they begin with its value.
    static func endsInLargeLength(_ bytes: some BidirectionalCollection<UInt8>) -> Bool {
        let name = Array("content-length:".utf8)
        // Setting bit 5 makes letters lower-case.
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
