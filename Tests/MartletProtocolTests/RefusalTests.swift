import MartletProtocol
import MartletTestSupport
import Testing

/// Bytes that no sender writes are refused, and all others mean one value.
@Suite struct RefusalTests {
    /// The samples have every kind of frame, so a kind without samples fails here too.
    @Test func everyOtherKindOfFrameIsRefused() throws {
        var random = SeededGenerator(seed: 24)
        var (edgeKinds, workerKinds) = (Set<UInt8>(), Set<UInt8>())
        for _ in 0..<1_000 {
            var bytes: [UInt8] = []
            try SampleFrames.edge(&random).encode(to: &bytes)
            edgeKinds.insert(bytes[4])
            bytes = []
            try SampleFrames.worker(&random).encode(to: &bytes)
            workerKinds.insert(bytes[4])
        }
        for number: UInt8 in 0...255 {
            var isUnknown = false
            do {
                _ = try EdgeFrame(payload: [number])
            } catch FrameError.unknownCase(of: "frame of an edge", number: number) {
                isUnknown = true
            } catch {}
            #expect(isUnknown == !edgeKinds.contains(number), "kind \(number) of an edge")
            isUnknown = false
            do {
                _ = try WorkerFrame(payload: [number])
            } catch FrameError.unknownCase(of: "frame of a worker", number: number) {
                isUnknown = true
            } catch {}
            #expect(isUnknown == !workerKinds.contains(number), "kind \(number) of a worker")
        }
    }

    @Test func anEmptyFrameIsTruncated() {
        #expect(throws: FrameError.truncated) { try EdgeFrame(payload: []) }
        #expect(throws: FrameError.truncated) { try WorkerFrame(payload: []) }
    }

    /// A number can have longer encodings than its own, so bytes may change once; the value does not.
    @Test func aDecodedValueIsEncodedInOneWay() throws {
        var random = SeededGenerator(seed: 21)
        var decodedCount = 0
        for _ in 0..<3_000 {
            var bytes: [UInt8] = []
            try SampleFrames.edge(&random).encode(to: &bytes)
            let index = Int.random(in: 4..<bytes.count, using: &random)
            bytes[index] = UInt8.random(in: 0...255, using: &random)
            guard let decoded = try? EdgeFrame(payload: bytes[4...]) else { continue }
            decodedCount += 1
            var first: [UInt8] = []
            try decoded.encode(to: &first)
            var second: [UInt8] = []
            try EdgeFrame(payload: first[4...]).encode(to: &second)
            #expect(first == second)
        }
        #expect(decodedCount > 300)
    }

    /// Lists of frames are concatenations: no frame needs the one before it.
    @Test func theOrderOfFramesDoesNotMatter() throws {
        var random = SeededGenerator(seed: 22)
        let frames = (0..<50).map { _ in SampleFrames.worker(&random) }
        let encoded = try frames.map { frame in
            var bytes: [UInt8] = []
            try frame.encode(to: &bytes)
            return bytes
        }
        for (frame, bytes) in zip(frames, encoded).shuffled(using: &random) {
            #expect(try WorkerFrame(payload: bytes[4...]) == frame)
        }
    }

    /// The decoder against a model that has all bytes at hand.
    @Test func theDecoderKnowsWhetherAFrameIsIncomplete() throws {
        var random = SeededGenerator(seed: 23)
        for _ in 0..<100 {
            let payloads = (0..<Int.random(in: 0...5, using: &random)).map { _ in random.bytes() }
            var stream: [UInt8] = []
            var ends: [Int] = [0]
            for payload in payloads {
                stream += (0..<4).map { UInt8(truncatingIfNeeded: payload.count >> (8 * $0)) } + payload
                ends.append(stream.count)
            }
            var decoder = FrameDecoder()
            var position = 0
            var decoded: [[UInt8]] = []
            while position < stream.count {
                let end = min(stream.count, position + Int.random(in: 1...9, using: &random))
                decoder.append(Array(stream[position..<end]))
                position = end
                while let payload = try decoder.next() { decoded.append(Array(payload)) }
                #expect(decoded.count == ends.lastIndex { $0 <= position })
                #expect(decoder.isWithinFrame == !ends.contains(position))
            }
            #expect(decoded == payloads)
        }
    }

    @Test func aFrameOfTheGreatestSizeIsAcceptedAndALargerOneLeavesTheBufferAlone() throws {
        var decoder = FrameDecoder(maximumByteCount: 3)
        decoder.append([3, 0, 0, 0, 7, 8, 9])
        #expect(try decoder.next().map { Array($0) } == [7, 8, 9])
        var buffer: [UInt8] = [1]
        let large = WorkerFrame.bytes(
            QueryNumber(rawValue: 1), [UInt8](repeating: 0, count: FrameFormat.maximumByteCount))
        #expect(throws: FrameError.self) { try large.encode(to: &buffer) }
        #expect(buffer == [1])
    }

    @Test(arguments: [
        (FrameError.tooLarge(byteCount: 9), "9"), (.trailingBytes(count: 3), "3"),
        (.unknownCase(of: "phase", number: 200), "200 is no phase"), (.invalidValue("text"), "invalid text"),
        (.versionMismatch(theirs: 2), "version 2"), (.greetingExpected, "greeting"), (.truncated, "within a value"),
    ])
    func anErrorNamesItsValue(error: FrameError, part: String) {
        #expect("\(error)".contains(part))
    }
}
