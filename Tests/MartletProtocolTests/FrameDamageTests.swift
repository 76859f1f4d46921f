import MartletGrammar
import MartletProtocol
import MartletTestSupport
import Testing

/// Every single change of a frame, numbered frames, and the bytes of this version.
@Suite struct FrameDamageTests {
    private func bytes(_ frame: EdgeFrame) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try frame.encode(to: &bytes)
        return bytes
    }

    private func bytes(_ frame: WorkerFrame) throws -> [UInt8] {
        var bytes: [UInt8] = []
        try frame.encode(to: &bytes)
        return bytes
    }

    /// A flipped bit gives an error, or another value of the same form: it is encoded and decoded to itself.
    @Test(arguments: 0..<40) func everyFlippedBitIsRefusedOrAnotherFrame(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 100)
        let edge = try bytes(SampleFrames.edge(&random))
        let worker = try bytes(SampleFrames.worker(&random))
        for index in 4..<min(edge.count, 400) {
            for bit in 0..<8 {
                var changed = edge
                changed[index] ^= 1 << UInt8(bit)
                guard let frame = try? EdgeFrame(payload: changed[4...]) else { continue }
                let again = try bytes(frame)
                #expect(try bytes(EdgeFrame(payload: again[4...])) == again)
            }
        }
        for index in 4..<min(worker.count, 400) {
            for bit in 0..<8 {
                var changed = worker
                changed[index] ^= 1 << UInt8(bit)
                guard let frame = try? WorkerFrame(payload: changed[4...]) else { continue }
                let again = try bytes(frame)
                #expect(try bytes(WorkerFrame(payload: again[4...])) == again)
            }
        }
    }

    /// Every count in every frame, replaced by one that the frame cannot hold: nothing is allocated for it.
    @Test(arguments: 0..<40) func noByteOfAFrameMakesItUseMemory(seed: Int) throws {
        var random = SeededGenerator(seed: UInt64(seed) + 300)
        let frame = try bytes(SampleFrames.worker(&random))
        let huge: [UInt8] = [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F]
        for index in 5..<min(frame.count, 300) {
            var changed = Array(frame[4..<index]) + huge + Array(frame[min(index + 1, frame.count)...])
            _ = try? WorkerFrame(payload: changed[...])
            changed.removeLast(min(changed.count, 3))
            _ = try? WorkerFrame(payload: changed[...])
        }
    }

    @Test(arguments: [0, 1, 127, 128, 1 << 32, .max] as [UInt64]) func aFrameHasItsNumber(number: UInt64) throws {
        var random = SeededGenerator(seed: number)
        for _ in 0..<50 {
            let frame = SampleFrames.worker(&random)
            var bytes: [UInt8] = []
            try frame.encode(number: number, to: &bytes)
            let read = try WorkerFrame.numbered(bytes[4...])
            #expect(read.number == number && read.frame == frame)
            // A cut within the number or the frame is refused.
            for end in 4..<min(bytes.count, 40) {
                #expect(throws: FrameError.self) { try WorkerFrame.numbered(bytes[4..<end]) }
            }
        }
    }

    /// An embedding whose numbers are no whole vectors would trap where it is used.
    @Test(arguments: [(0, 4), (3, 4), (-1, 4), (5, 4)]) func vectorsThatAreNotWholeAreRefused(length: Int, count: Int)
        throws
    {
        let valid = try bytes(
            WorkerFrame.embeddings(
                QueryNumber(rawValue: 1),
                [Embedding(tokenCount: 1, length: 2, values: [Float](repeating: 0, count: count))]))
        // Kind, number, count of the list, tokens, length.
        var bytes = valid
        #expect(bytes[8] == 4, "the length 2 in zigzag form")
        bytes[8] = UInt8(truncatingIfNeeded: length < 0 ? length * -2 - 1 : length * 2)
        #expect(throws: FrameError.invalidValue("length of a vector")) { try WorkerFrame(payload: bytes[4...]) }
    }

    /// A grammar in a frame is decoded by the rules of grammars, and damage to it is an invalid value.
    @Test func aDamagedGrammarIsRefused() throws {
        var random = SeededGenerator(seed: 9)
        var refused = 0
        for _ in 0..<60 {
            var request = SampleFrames.request(&random)
            let grammar = try GBNFParser.grammar(#"root ::= "a" [b-d]{1,3} | "e" root"#.utf8)
            request.parameters.constraint = GenerationConstraint(grammar)
            var frame = try bytes(EdgeFrame.submit(request))
            let index = Int.random(in: 4..<frame.count, using: &random)
            frame[index] = frame[index] &+ UInt8.random(in: 1...255, using: &random)
            do throws(FrameError) {
                _ = try EdgeFrame(payload: frame[4...])
            } catch {
                refused += 1
            }
        }
        #expect(refused > 10)
    }

    /// The bytes of some frames as `FrameFormat` defines them. A change of them needs a new `FrameFormat.version`.
    @Test func theBytesAreThoseOfTheDefinition() throws {
        let handle = GenerationHandle(rawValue: 5)
        let frames: [(WorkerFrame, [UInt8])] = [
            (.hello(version: 0x0102), [1, 0x6D, 0x72, 0x74, 0x6C, 2, 1]),
            (.bytes(QueryNumber(rawValue: 300), [7, 8]), [5, 0xAC, 0x02, 2, 7, 8]),
            (.events([EngineEvent(handle, .admitted(promptTokens: -1))]), [3, 1, 5, 0, 1]),
            (.part(QueryNumber(rawValue: 1), [9], isLast: true), [9, 1, 1, 9, 1]),
        ]
        for (frame, payload) in frames {
            let bytes = try bytes(frame)
            #expect(Array(bytes[4...]) == payload, "\(frame)")
            #expect(Array(bytes[..<4]) == [UInt8(payload.count), 0, 0, 0])
        }
        #expect(try Array(bytes(EdgeFrame.cancel(handle))[4...]).dropFirst() == [5])
    }
}
