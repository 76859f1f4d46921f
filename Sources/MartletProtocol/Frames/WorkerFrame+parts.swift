extension WorkerFrame {
    /// The frames of a reply: the frame itself, or its parts if it is large.
    ///
    /// - Throws: `tooLarge` if the other side would refuse the whole.
    package func parts(for number: QueryNumber) throws(FrameError) -> [WorkerFrame] {
        var bytes: [UInt8] = []
        try encode(to: &bytes)
        let payload = bytes[FrameFormat.headerByteCount...]
        guard payload.count > FrameFormat.replyPartByteCount else { return [self] }
        return stride(from: payload.startIndex, to: payload.endIndex, by: FrameFormat.replyPartByteCount).map { start in
            let end = min(start + FrameFormat.replyPartByteCount, payload.endIndex)
            return .part(number, Array(payload[start..<end]), isLast: end == payload.endIndex)
        }
    }
}

/// A reply whose parts have not all arrived.
package struct PartialReply: Sendable {
    private var payload: [UInt8] = []

    package init() {}

    /// Appends the next part.
    ///
    /// - Throws: `tooLarge` if the whole would exceed the largest frame.
    package mutating func append(_ part: [UInt8]) throws(FrameError) {
        guard payload.count + part.count <= FrameFormat.maximumByteCount else {
            throw .tooLarge(byteCount: payload.count + part.count)
        }
        payload += part
    }

    /// The reply. Call it after the last part.
    package func frame() throws(FrameError) -> WorkerFrame { try WorkerFrame(payload: payload[...]) }
}
