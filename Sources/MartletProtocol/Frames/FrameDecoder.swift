/// Splits a stream of bytes into frames, however it was chunked.
///
/// A frame within one chunk is a slice of that chunk: none of its bytes is copied, and text decoded from it shares the
/// storage of the chunk.
package struct FrameDecoder: Sendable {
    /// The current chunk, or the collected beginning of an incomplete frame. While `start` is 0, no frame refers to it,
    /// so it is uniquely referenced and grows in place.
    private var buffer: [UInt8] = []
    /// The offset of the first byte that is not returned yet.
    private var start = 0
    private let maximumByteCount: Int

    /// Creates a decoder.
    ///
    /// - Parameter maximumByteCount: the largest size of a frame without its length field.
    package init(maximumByteCount: Int = FrameFormat.maximumByteCount) {
        self.maximumByteCount = maximumByteCount
    }

    /// Whether the bytes so far end within a frame.
    package var isWithinFrame: Bool { start < buffer.count }

    /// Appends bytes of the stream. Before the next call, call `next()` until it returns `nil`.
    package mutating func append(_ chunk: [UInt8]) {
        if start == buffer.count {
            buffer = chunk
        } else if start == 0 {
            buffer.append(contentsOf: chunk)
        } else {
            buffer = buffer[start...] + chunk
        }
        start = 0
    }

    /// The kind and fields of the next whole frame; `nil` if more bytes are needed.
    ///
    /// - Throws: `tooLarge` as soon as the length is known. The decoder cannot be used afterwards.
    package mutating func next() throws(FrameError) -> ArraySlice<UInt8>? {
        let body = start + FrameFormat.headerByteCount
        guard body <= buffer.count else { return nil }
        var byteCount = 0
        for index in 0..<FrameFormat.headerByteCount { byteCount |= Int(buffer[start + index]) << (8 * index) }
        guard byteCount <= maximumByteCount else { throw .tooLarge(byteCount: byteCount) }
        guard body + byteCount <= buffer.count else { return nil }
        start = body + byteCount
        return buffer[body..<start]
    }
}
