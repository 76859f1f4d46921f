import MartletProtocol
import MartletTestSupport
import Testing

/// The values of which every frame consists, against their definition in `FrameFormat`.
@Suite struct PrimitiveTests {
    private func bytes(_ body: (inout ByteWriter) -> Void) -> [UInt8] {
        var bytes: [UInt8] = []
        ByteWriter.append(to: &bytes, body)
        return bytes
    }

    /// Reads one value, which must use all bytes.
    private func read<Value>(
        _ bytes: [UInt8], _ body: (inout ByteReader) throws(FrameError) -> Value
    ) throws(FrameError) -> Value {
        var reader = ByteReader(bytes[...])
        let value = try body(&reader)
        try reader.finish()
        return value
    }

    /// Numbers around each power of two, where the length of an encoding changes.
    private static let numbers: [UInt64] =
        (0..<64).flatMap { power in [-1, 0, 1].map { (1 << UInt64(power)) &+ UInt64(bitPattern: $0) } } + [0, .max]

    @Test(arguments: numbers) func aNumberHasSevenBitsPerByte(number: UInt64) throws {
        let encoded = bytes { $0.write(number) }
        #expect(encoded.count == max(1, (64 - number.leadingZeroBitCount + 6) / 7))
        #expect(try read(encoded) { reader throws(FrameError) in try reader.readUInt64() } == number)
        #expect(encoded.dropLast().allSatisfy { $0 >= 0x80 } && (encoded.last ?? 0x80) < 0x80)
    }

    @Test(arguments: numbers) func aSignedNumberIsAsShortAsItsMagnitude(number: UInt64) throws {
        for signed in [Int64(bitPattern: number), 0 &- Int64(bitPattern: number)] {
            let encoded = bytes { $0.write(signed) }
            #expect(try read(encoded) { reader throws(FrameError) in try reader.readInt64() } == signed)
            let doubled = signed < 0 ? UInt64(bitPattern: ~signed) << 1 | 1 : UInt64(signed) << 1
            #expect(encoded == bytes { $0.write(doubled) })
            let narrow = Int32(exactly: signed)
            if let narrow {
                #expect(encoded == bytes { $0.write(narrow) })
                #expect(try read(encoded) { reader throws(FrameError) in try reader.readInt32() } == narrow)
            } else {
                #expect(throws: FrameError.invalidValue("number")) {
                    try read(encoded) { reader throws(FrameError) in try reader.readInt32() }
                }
            }
        }
    }

    @Test func aNumberOfMoreThan64BitsIsRefused() {
        for last: UInt8 in 2...0x7F {
            #expect(throws: FrameError.invalidValue("number")) {
                try read(Array(repeating: 0xFF, count: 9) + [last]) { reader throws(FrameError) in
                    try reader.readUInt64()
                }
            }
        }
        #expect(throws: FrameError.invalidValue("number")) {
            try read(Array(repeating: 0x80, count: 11)) { reader throws(FrameError) in try reader.readUInt64() }
        }
    }

    @Test func onlyZeroAndOneAreTruthValues() throws {
        for byte: UInt8 in 0...255 {
            if byte < 2 {
                #expect(try read([byte]) { reader throws(FrameError) in try reader.readBool() } == (byte == 1))
            } else {
                #expect(throws: FrameError.invalidValue("truth value")) {
                    try read([byte]) { reader throws(FrameError) in try reader.readBool() }
                }
            }
        }
    }

    @Test func floatingPointNumbersKeepEveryBit() throws {
        var random = SeededGenerator(seed: 11)
        for _ in 0..<2_000 {
            let single = Float(bitPattern: UInt32(truncatingIfNeeded: random.next()))
            let double = Double(bitPattern: random.next())
            let encoded = bytes {
                $0.write(single)
                $0.write(double)
            }
            #expect(encoded.count == 12)
            var reader = ByteReader(encoded[...])
            #expect(try reader.readFloat().bitPattern == single.bitPattern)
            #expect(try reader.readDouble().bitPattern == double.bitPattern)
        }
    }

    @Test func durationsKeepEveryAttosecond() throws {
        var random = SeededGenerator(seed: 12)
        for _ in 0..<500 {
            let duration = Duration(
                secondsComponent: Int64(random.next() >> 4), attosecondsComponent: Int64(random.next() % 1_000_000))
            for value in [duration, .zero - duration] {
                #expect(
                    try read(bytes { $0.write(value) }) { reader throws(FrameError) in try reader.readDuration() }
                        == value)
            }
        }
    }

    @Test(
        arguments: [[0xFF], [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF4, 0x90, 0x80, 0x80], [0xE2, 0x82]] as [[UInt8]])
    func bytesThatAreNotUTF8AreNoText(invalid: [UInt8]) {
        #expect(throws: FrameError.invalidValue("text")) {
            try read(bytes { $0.write(invalid) }) { reader throws(FrameError) in try reader.readString() }
        }
    }

    @Test func textsKeepTheirBytes() throws {
        var random = SeededGenerator(seed: 13)
        let texts = ["", "a", "e\u{301}", "\u{E9}", "\u{0}", "🐦"] + (0..<200).map { _ in random.text() }
        let read = try read(bytes { $0.write(texts) }) { reader throws(FrameError) in try reader.readStrings() }
        #expect(read.map { Array($0.utf8) } == texts.map { Array($0.utf8) })
    }

    /// A count is checked against the bytes that follow, before memory is allocated.
    @Test func aCountIsAtMostWhatTheRestCanContain() throws {
        for minimum in 1...5 {
            for rest in 0...12 {
                for count in 0...14 {
                    let encoded = bytes { $0.write(UInt64(count)) } + Array(repeating: 7, count: rest)
                    var reader = ByteReader(encoded[...])
                    if count * minimum <= rest {
                        #expect(try reader.readCount(minimumByteCount: minimum) == count)
                    } else {
                        #expect(throws: FrameError.truncated) {
                            try reader.readCount(minimumByteCount: minimum)
                        }
                    }
                }
            }
        }
    }

    @Test func everyCutOfAnyValueIsTruncated() {
        let values: [(encoded: [UInt8], read: (inout ByteReader) throws -> Void)] = [
            (bytes { $0.write(UInt64.max) }, { _ = try $0.readUInt64() }),
            (bytes { $0.write(Int64.min) }, { _ = try $0.readInt64() }),
            (bytes { $0.write(UInt16.max) }, { _ = try $0.readUInt16() }),
            (bytes { $0.write(Float.pi) }, { _ = try $0.readFloat() }),
            (bytes { $0.write(Double.pi) }, { _ = try $0.readDouble() }),
            (bytes { $0.write(Duration.milliseconds(1_500)) }, { _ = try $0.readDuration() }),
            (bytes { $0.write("text") }, { _ = try $0.readString() }),
            (bytes { $0.write([1, -1, Int32.max]) }, { _ = try $0.readInt32s() }),
            (bytes { $0.write(["a", "bc"]) }, { _ = try $0.readStrings() }),
            (
                bytes { $0.write(300 as Int?) },
                { _ = try $0.readOptional { reader throws(FrameError) in try reader.readInt() } }
            ),
        ]
        for value in values {
            for end in 0..<value.encoded.count {
                var reader = ByteReader(value.encoded[..<end])
                #expect(throws: FrameError.truncated) { try value.read(&reader) }
            }
            var whole = ByteReader(value.encoded[...])
            #expect(throws: Never.self) { try value.read(&whole) }
            #expect(whole.remainingCount == 0)
        }
    }

    @Test func optionalValuesHaveOneByteMore() throws {
        #expect(bytes { $0.write(nil as Int?) } == [0])
        #expect(bytes { $0.write(5 as Int?) } == [1] + bytes { $0.write(5 as Int) })
        #expect(bytes { $0.write("x" as String?) } == [1] + bytes { $0.write("x") })
        #expect(bytes { $0.write(Duration.seconds(2) as Duration?) } == [1] + bytes { $0.write(Duration.seconds(2)) })
    }

    @Test func aWriterAppendsToItsBuffer() {
        var buffer: [UInt8] = [1, 2]
        ByteWriter.append(to: &buffer) { $0.write([3, 4] as [UInt8]) }
        #expect(buffer == [1, 2, 2, 3, 4])
    }
}
