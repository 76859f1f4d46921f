/// Reads the fields of one frame, or of one record of a file. Throws for invalid bytes and never traps.
package struct ByteReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    /// Reads from the beginning of `bytes`, without copying them.
    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        self.position = bytes.startIndex
    }

    /// The number of bytes that are not read yet.
    package var remainingCount: Int { bytes.endIndex - position }

    /// Ends reading.
    ///
    /// - Throws: `trailingBytes` if there are unread bytes.
    package func finish() throws(FrameError) {
        if remainingCount > 0 { throw .trailingBytes(count: remainingCount) }
    }

    /// Reads one byte.
    ///
    /// - Throws: `truncated` at the end, like every other read.
    package mutating func readByte() throws(FrameError) -> UInt8 {
        guard position < bytes.endIndex else { throw .truncated }
        let value = bytes[position]
        position += 1
        return value
    }

    /// Reads a byte 0 or 1; any other byte is an `invalidValue`.
    package mutating func readBool() throws(FrameError) -> Bool {
        switch try readByte() {
        case 0: false
        case 1: true
        default: throw .invalidValue("truth value")
        }
    }

    /// Reads a LEB128 number of at most 64 bits.
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

    /// Reads a zigzag LEB128 number.
    package mutating func readInt64() throws(FrameError) -> Int64 {
        let value = try readUInt64()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// Reads a zigzag LEB128 number that fits `Int`.
    package mutating func readInt() throws(FrameError) -> Int {
        Int(try readInt64())
    }

    /// Reads a zigzag LEB128 number that fits 32 bits.
    package mutating func readInt32() throws(FrameError) -> Int32 {
        guard let value = Int32(exactly: try readInt64()) else { throw .invalidValue("number") }
        return value
    }

    /// Reads two bytes, little-endian.
    package mutating func readUInt16() throws(FrameError) -> UInt16 {
        UInt16(try readByte()) | UInt16(try readByte()) << 8
    }

    /// Reads the four bytes of an IEEE 754 number, little-endian.
    package mutating func readFloat() throws(FrameError) -> Float {
        var bits: UInt32 = 0
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bits |= UInt32(try readByte()) << shift }
        return Float(bitPattern: bits)
    }

    /// Reads the eight bytes of an IEEE 754 number, little-endian.
    package mutating func readDouble() throws(FrameError) -> Double {
        var bits: UInt64 = 0
        for shift in stride(from: UInt64(0), to: 64, by: 8) { bits |= UInt64(try readByte()) << shift }
        return Double(bitPattern: bits)
    }

    /// Reads a duration in the form that `ByteWriter` writes.
    package mutating func readDuration() throws(FrameError) -> Duration {
        Duration(secondsComponent: try readInt64(), attosecondsComponent: try readInt64())
    }

    /// Reads the count of values with at least `minimumByteCount` bytes each. It never exceeds what the remaining bytes
    /// can contain.
    package mutating func readCount(minimumByteCount: Int) throws(FrameError) -> Int {
        let count = try readUInt64()
        guard count <= UInt64(remainingCount / minimumByteCount) else { throw .truncated }
        return Int(count)
    }

    /// Reads a count and so many bytes. The slice shares the storage of the frame.
    package mutating func readSlice() throws(FrameError) -> ArraySlice<UInt8> {
        let count = try readCount(minimumByteCount: 1)
        let slice = bytes[position..<position + count]
        position += count
        return slice
    }

    /// Reads text; bytes that are not UTF-8 are an `invalidValue`.
    package mutating func readString() throws(FrameError) -> String {
        guard let text = String(validating: try readSlice(), as: UTF8.self) else { throw .invalidValue("text") }
        return text
    }

    /// Reads a count and so many numbers.
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

    /// Reads a count and so many texts.
    package mutating func readStrings() throws(FrameError) -> [String] {
        var values: [String] = []
        for _ in 0..<(try readCount(minimumByteCount: 1)) { values.append(try readString()) }
        return values
    }

    mutating func readFields<Field: FrameField>(_ type: Field.Type) throws(FrameError) -> [Field] {
        let count = try readCount(minimumByteCount: Field.minimumByteCount)
        var values: [Field] = []
        // Not `count`: a field may need much more memory than bytes of the frame.
        values.reserveCapacity(min(count, 64))
        for _ in 0..<count { values.append(try Field(from: &self)) }
        return values
    }

    /// Reads a byte 0 for `nil`, or 1 and the value that `read` reads.
    package mutating func readOptional<Value>(
        _ read: (inout ByteReader) throws(FrameError) -> Value
    ) throws(FrameError) -> Value? {
        try readBool() ? try read(&self) : nil
    }
}
