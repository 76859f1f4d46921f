import MartletProtocol

/// Bytes from a broken or hostile peer are refused or decoded, for all cuts. A decoded frame is encoded to bytes that
/// decode to the same frame.
enum FrameFuzz {
    /// The first byte is the length of the chunks.
    static func run(_ input: [UInt8]) -> CInt {
        guard let first = input.first else { return CorpusDecision.reject }
        let whole = payloads(input.dropFirst(), chunkByteCount: max(1, input.count))
        let pieces = payloads(input.dropFirst(), chunkByteCount: Int(first % 16) + 1)
        precondition(whole == pieces, "the frames depend on how the stream was cut")
        for payload in whole {
            if let frame = try? EdgeFrame(payload: payload[...]) { check(frame) }
            if let frame = try? WorkerFrame(payload: payload[...]) { check(frame) }
        }
        return CorpusDecision.accept
    }

    private static func payloads(_ stream: ArraySlice<UInt8>, chunkByteCount: Int) -> [[UInt8]] {
        var decoder = FrameDecoder(maximumByteCount: 1 << 16)
        var result: [[UInt8]] = []
        var rest = stream
        while !rest.isEmpty {
            decoder.append(Array(rest.prefix(chunkByteCount)))
            rest = rest.dropFirst(chunkByteCount)
            do {
                while let payload = try decoder.next() { result.append(Array(payload)) }
            } catch {
                return result
            }
        }
        return result
    }

    private static func check(_ frame: EdgeFrame) {
        let bytes = encoded { (buffer) throws(FrameError) in try frame.encode(to: &buffer) }
        let again = decoded(bytes) { (payload) throws(FrameError) in try EdgeFrame(payload: payload) }
        precondition(encoded { (buffer) throws(FrameError) in try again.encode(to: &buffer) } == bytes)
    }

    private static func check(_ frame: WorkerFrame) {
        let bytes = encoded { (buffer) throws(FrameError) in try frame.encode(to: &buffer) }
        let again = decoded(bytes) { (payload) throws(FrameError) in try WorkerFrame(payload: payload) }
        precondition(encoded { (buffer) throws(FrameError) in try again.encode(to: &buffer) } == bytes)
    }

    private static func encoded(_ encode: (inout [UInt8]) throws(FrameError) -> Void) -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            try encode(&bytes)
        } catch {
            preconditionFailure("a frame that was decoded cannot be encoded: \(error)")
        }
        return bytes
    }

    private static func decoded<Frame>(
        _ bytes: [UInt8], as decode: (ArraySlice<UInt8>) throws(FrameError) -> Frame
    ) -> Frame {
        var decoder = FrameDecoder()
        decoder.append(bytes)
        do {
            guard let payload = try decoder.next() else { preconditionFailure("an encoded frame is not whole") }
            return try decode(payload)
        } catch {
            preconditionFailure("an encoded frame is refused: \(error)")
        }
    }
}
