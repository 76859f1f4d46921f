import MartletProtocol
import MartletTestSupport
import Testing

@Suite struct FrameTests {
    private func payloads(_ bytes: [UInt8], chunkSizes: (Int) -> Int) throws -> [ArraySlice<UInt8>] {
        var decoder = FrameDecoder()
        var result: [ArraySlice<UInt8>] = []
        var position = 0
        var round = 0
        while position < bytes.count {
            let end = min(bytes.count, position + max(1, chunkSizes(round)))
            decoder.append(Array(bytes[position..<end]))
            while let payload = try decoder.next() { result.append(payload) }
            position = end
            round += 1
        }
        #expect(!decoder.isWithinFrame)
        return result
    }

    @Test(arguments: [1, 2, 3, 7, 64, 4096, 1 << 20])
    func framesSurviveAnyChunking(chunkSize: Int) throws {
        var random = SeededGenerator(seed: 1)
        let frames = (0..<300).map { _ in SampleFrames.worker(&random) }
        var bytes: [UInt8] = []
        for frame in frames { try frame.encode(to: &bytes) }
        let decoded = try payloads(bytes) { _ in chunkSize }.map { try WorkerFrame(payload: $0) }
        #expect(decoded == frames)
    }

    @Test func everyFrameOfAnEdgeDecodesToItself() throws {
        var random = SeededGenerator(seed: 2)
        let frames = (0..<2000).map { _ in SampleFrames.edge(&random) }
        var bytes: [UInt8] = []
        for frame in frames { try frame.encode(to: &bytes) }
        let decoded = try payloads(bytes) { $0 % 900 }.map { try EdgeFrame(payload: $0) }
        #expect(decoded == frames)
    }

    @Test func everyFrameOfAWorkerDecodesToItself() throws {
        var random = SeededGenerator(seed: 3)
        let frames = (0..<2000).map { _ in SampleFrames.worker(&random) }
        var bytes: [UInt8] = []
        for frame in frames { try frame.encode(to: &bytes) }
        let decoded = try payloads(bytes) { $0 % 900 }.map { try WorkerFrame(payload: $0) }
        #expect(decoded == frames)
    }

    @Test func everyTruncationIsAnError() throws {
        var random = SeededGenerator(seed: 4)
        for _ in 0..<100 {
            var edge: [UInt8] = []
            var worker: [UInt8] = []
            try SampleFrames.edge(&random).encode(to: &edge)
            try SampleFrames.worker(&random).encode(to: &worker)
            for end in 4..<edge.count {
                #expect(throws: FrameError.self) { try EdgeFrame(payload: edge[4..<end]) }
            }
            for end in 4..<worker.count {
                #expect(throws: FrameError.self) { try WorkerFrame(payload: worker[4..<end]) }
            }
        }
    }

    /// A changed frame may still be valid; its value can then be encoded again.
    @Test func changedBytesNeverTrap() throws {
        var random = SeededGenerator(seed: 5)
        var refused = 0
        for round in 0..<20_000 {
            var bytes: [UInt8] = []
            if round.isMultiple(of: 2) {
                try SampleFrames.edge(&random).encode(to: &bytes)
            } else {
                try SampleFrames.worker(&random).encode(to: &bytes)
            }
            for _ in 0..<Int.random(in: 1...4, using: &random) where bytes.count > 4 {
                let index = Int.random(in: 4..<bytes.count, using: &random)
                bytes[index] = UInt8.random(in: 0...255, using: &random)
            }
            do {
                var again: [UInt8] = []
                if round.isMultiple(of: 2) {
                    try EdgeFrame(payload: bytes[4...]).encode(to: &again)
                } else {
                    try WorkerFrame(payload: bytes[4...]).encode(to: &again)
                }
                #expect(again.count > 4)
            } catch {
                refused += 1
            }
        }
        #expect(refused > 1000)
    }

    @Test func noiseNeverTraps() {
        var random = SeededGenerator(seed: 6)
        for _ in 0..<20_000 {
            let noise = random.bytes()
            _ = try? EdgeFrame(payload: noise[...])
            _ = try? WorkerFrame(payload: noise[...])
        }
    }

    @Test func bytesBehindTheLastValueAreAnError() throws {
        var bytes: [UInt8] = []
        try EdgeFrame.shutdown.encode(to: &bytes)
        bytes.append(0)
        #expect(throws: FrameError.trailingBytes(count: 1)) { try EdgeFrame(payload: bytes[4...]) }
    }

    @Test func aFrameAboveTheLimitIsRefusedByItsLengthAlone() {
        var decoder = FrameDecoder(maximumByteCount: 10)
        decoder.append([11, 0, 0, 0])
        #expect(throws: FrameError.tooLarge(byteCount: 11)) { try decoder.next() }
    }

    @Test func aCountBeyondTheFrameIsRefusedBeforeAllocation() {
        // Kind 3 (events) with a count of 2^62.
        let payload: [UInt8] = [3, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x40]
        #expect(throws: FrameError.truncated) { try WorkerFrame(payload: payload[...]) }
    }

    @Test func anUnknownGreetingIsRefused() {
        #expect(throws: FrameError.invalidValue("greeting")) {
            try WorkerFrame(payload: [1, 0x7F, 0x45, 0x4C, 0x46, 1, 0])
        }
    }

    @Test func tokenTextSharesTheFramesStorage() throws {
        var bytes: [UInt8] = []
        let text = Array("shared".utf8)
        try WorkerFrame.events([EngineEvent(GenerationHandle(rawValue: 1), .token(id: 5, text: text[...]))])
            .encode(to: &bytes)
        guard case .events(let events) = try WorkerFrame(payload: bytes[4...]),
            case .token(_, let decoded) = try #require(events.first).kind
        else {
            Issue.record("not a token")
            return
        }
        let frameBase = bytes.withUnsafeBufferPointer { $0.baseAddress }
        let textBase = decoded.withUnsafeBufferPointer { $0.baseAddress }
        #expect(try #require(textBase) == (try #require(frameBase)) + decoded.startIndex)
    }
}
