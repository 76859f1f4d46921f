import MartletProtocol
import Testing

@Suite struct ReplyPartTests {
    private let number = QueryNumber(rawValue: 7)

    @Test(arguments: [0, 1, 65_000, 65_536, 1_000_000]) func aLargeReplyIsSplitAndReassembled(count: Int) throws {
        let reply = WorkerFrame.bytes(number, (0..<count).map { UInt8(truncatingIfNeeded: $0) })
        let frames = try reply.parts(for: number)
        var partial = PartialReply()
        for (index, frame) in frames.enumerated() {
            var bytes: [UInt8] = []
            try frame.encode(to: &bytes)
            #expect(bytes.count < FrameFormat.replyPartByteCount + 32)
            guard case .part(number, let part, let isLast) = frame else {
                #expect(frames == [reply])
                return
            }
            #expect(isLast == (index == frames.count - 1))
            try partial.append(part)
        }
        #expect(count > 65_000)
        #expect(try partial.frame() == reply)
    }

    @Test func partsOfMoreThanAFrameAreRefused() throws {
        var partial = PartialReply()
        let part = [UInt8](repeating: 0, count: FrameFormat.maximumByteCount / 2)
        try partial.append(part)
        try partial.append(part)
        #expect(throws: FrameError.tooLarge(byteCount: FrameFormat.maximumByteCount + 1)) { try partial.append([0]) }
    }
}
