/// Reads the fields of one frame, or of one record of a file. Whatever the bytes are, it throws and never traps.
package struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    package var remainingCount: Int { bytes.endIndex - position }

    /// - Throws: `trailingBytes` when the frame is longer than what was read.
    package func finish() throws(FrameError) {
        if remainingCount > 0 { throw .trailingBytes(count: remainingCount) }
    }

    package mutating func readByte() throws(FrameError) -> UInt8 {
        guard position < bytes.endIndex else { throw .truncated }
        let value = bytes[position]
        position += 1
        return value
    }

    package mutating func readBool() throws(FrameError) -> Bool {
        switch try readByte() {
        case 0: false
        case 1: true
        default: throw .invalidValue("truth value")
        }
    }

    package mutating func readUInt64() throws(FrameError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try readByte()
            if shift == 63, byte > 1 { throw .invalidValue("number") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    package mutating func readInt64() throws(FrameError) -> Int64 {
        let value = try readUInt64()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    package mutating func readInt() throws(FrameError) -> Int {
        Int(try readInt64())
    }

    package mutating func readInt32() throws(FrameError) -> Int32 {
        guard let value = Int32(exactly: try readInt64()) else { throw .invalidValue("number") }
        return value
    }

    package mutating func readUInt16() throws(FrameError) -> UInt16 {
        UInt16(try readByte()) | UInt16(try readByte()) << 8
    }

    package mutating func readFloat() throws(FrameError) -> Float {
        var bits: UInt32 = 0
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bits |= UInt32(try readByte()) << shift }
        return Float(bitPattern: bits)
    }

    package mutating func readDouble() throws(FrameError) -> Double {
        var bits: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bits |= UInt64(try readByte()) << shift }
        return Double(bitPattern: bits)
    }

    package mutating func readDuration() throws(FrameError) -> Duration {
        Duration(secondsComponent: try readInt64(), attosecondsComponent: try readInt64())
    }

    /// A count of values that take `minimumByteCount` bytes or more each, so never more than the frame can hold.
    package mutating func readCount(minimumByteCount: Int) throws(FrameError) -> Int {
        let count = try readUInt64()
        guard count <= UInt64(remainingCount / minimumByteCount) else { throw .truncated }
        return Int(count)
    }

    /// Bytes that share the frame's storage.
    package mutating func readSlice() throws(FrameError) -> ArraySlice<UInt8> {
        let count = try readCount(minimumByteCount: 1)
        let slice = bytes[position..<position + count]
        position += count
        return slice
    }

    package mutating func readString() throws(FrameError) -> String {
        guard let text = String(validating: try readSlice(), as: UTF8.self) else { throw .invalidValue("text") }
        return text
    }

    package mutating func readInt32s() throws(FrameError) -> [Int32] {
        var values: [Int32] = []
        let count = try readCount(minimumByteCount: 1)
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try readInt32()) }
        return values
    }

    mutating func readFloats() throws(FrameError) -> [Float] {
        var values: [Float] = []
        let count = try readCount(minimumByteCount: 4)
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try readFloat()) }
        return values
    }

    package mutating func readStrings() throws(FrameError) -> [String] {
        var values: [String] = []
        for _ in 0..<(try readCount(minimumByteCount: 1)) { values.append(try readString()) }
        return values
    }

    mutating func readFields<Field: FrameField>(_ type: Field.Type) throws(FrameError) -> [Field] {
        let count = try readCount(minimumByteCount: Field.minimumByteCount)
        var values: [Field] = []
        // Not `count`: a field may be much larger in memory than on the wire.
        values.reserveCapacity(min(count, 64))
        for _ in 0..<count { values.append(try Field(from: &self)) }
        return values
    }

    package mutating func readOptional<Value>(
        _ read: (inout ByteReader) throws(FrameError) -> Value
    ) throws(FrameError) -> Value? {
        try readBool() ? try read(&self) : nil
    }
}
