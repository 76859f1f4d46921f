/// Cuts a stream of bytes, however it was chunked, into frames.
///
/// A frame that lies within one chunk is a slice of that chunk: no byte of it is copied, and text decoded from it
/// shares the chunk's storage.
package struct FrameDecoder: Sendable {
    /// The chunk in work, or the collected beginning of a frame that has not ended yet. No frame was cut from it while
    /// `start` is 0, so it is then uniquely referenced and grows in place.
    private var buffer: [UInt8] = []
    /// Bytes before it were handed out.
    private var start = 0
    private let maximumByteCount: Int

    /// - Parameter maximumByteCount: Most bytes of a frame, its length field not counted.
    package init(maximumByteCount: Int = FrameFormat.maximumByteCount) {
        self.maximumByteCount = maximumByteCount
    }

    /// Whether the bytes so far end within a frame.
    package var isWithinFrame: Bool { start < buffer.count }

    /// Takes the next bytes of the stream. Call `next()` until it returns `nil` before the next `append`.
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

    /// The kind and fields of the next whole frame, or `nil` when more bytes are needed.
    /// - Throws: `tooLarge`, as soon as the length is known. The stream is then of no further use.
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
