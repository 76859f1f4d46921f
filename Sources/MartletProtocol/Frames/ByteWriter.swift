/// Appends the fields of frames, or of records in files, to a buffer. `FrameFormat` describes the encoding.
package struct ByteWriter: ~Copyable {
    private var bytes: [UInt8]

    private init(bytes: [UInt8]) { self.bytes = bytes }

    /// Appends the values that `body` writes to `buffer`.
    package static func append(to buffer: inout [UInt8], _ body: (inout ByteWriter) -> Void) {
        var writer = ByteWriter(bytes: [])
        swap(&writer.bytes, &buffer)
        body(&writer)
        swap(&writer.bytes, &buffer)
    }

    /// Writes one byte.
    package mutating func write(_ value: UInt8) { bytes.append(value) }

    /// Writes a byte 0 or 1.
    package mutating func write(_ value: Bool) { bytes.append(value ? 1 : 0) }

    /// Writes a number as LEB128: seven bits per byte, the lowest first.
    package mutating func write(_ value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Writes a number as zigzag LEB128, so that small negative numbers are short too.
    package mutating func write(_ value: Int64) {
        write(UInt64(bitPattern: (value << 1) ^ (value >> 63)))
    }

    /// Writes a number as zigzag LEB128.
    package mutating func write(_ value: Int) { write(Int64(value)) }

    /// Writes a number as zigzag LEB128.
    package mutating func write(_ value: Int32) { write(Int64(value)) }

    /// Writes two bytes, little-endian.
    package mutating func write(_ value: UInt16) {
        bytes.append(UInt8(truncatingIfNeeded: value))
        bytes.append(UInt8(truncatingIfNeeded: value >> 8))
    }

    /// Writes four bytes, little-endian IEEE 754.
    package mutating func write(_ value: Float) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
        }
    }

    /// Writes eight bytes, little-endian IEEE 754.
    package mutating func write(_ value: Double) {
        for shift in stride(from: UInt64(0), to: 64, by: 8) {
            bytes.append(UInt8(truncatingIfNeeded: value.bitPattern >> shift))
        }
    }

    /// Writes the two components of a duration: seconds, then attoseconds.
    package mutating func write(_ value: Duration) {
        let parts = value.components
        write(parts.seconds)
        write(parts.attoseconds)
    }

    /// Writes a count and the bytes.
    package mutating func write(_ value: ArraySlice<UInt8>) {
        write(UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// Writes a count and the bytes.
    package mutating func write(_ value: [UInt8]) { write(value[...]) }

    /// Writes the count of UTF-8 bytes and the bytes.
    package mutating func write(_ value: String) {
        var value = value
        value.withUTF8 { utf8 in
            write(UInt64(utf8.count))
            bytes.append(contentsOf: utf8)
        }
    }

    /// Writes a count and the numbers.
    package mutating func write(_ values: [Int32]) {
        write(UInt64(values.count))
        for value in values { write(value) }
    }

    mutating func write(_ values: [Float]) {
        write(UInt64(values.count))
        for value in values { write(value) }
    }

    /// Writes a count and the texts.
    package mutating func write(_ values: [String]) {
        write(UInt64(values.count))
        for value in values { write(value) }
    }

    mutating func write<Field: FrameField>(_ values: [Field]) {
        write(UInt64(values.count))
        for value in values { value.write(to: &self) }
    }

    /// Writes a byte 0 for `nil`, or 1 and the number.
    package mutating func write(_ value: Int?) {
        write(value != nil)
        if let value { write(value) }
    }

    /// Writes a byte 0 for `nil`, or 1 and the text.
    package mutating func write(_ value: String?) {
        write(value != nil)
        if let value { write(value) }
    }

    /// Writes a byte 0 for `nil`, or 1 and the duration.
    package mutating func write(_ value: Duration?) {
        write(value != nil)
        if let value { write(value) }
    }

    /// Writes a byte 0 for `nil`, or 1 and the number.
    package mutating func write(_ value: UInt64?) {
        write(value != nil)
        if let value { write(value) }
    }

    /// Appends a frame to `buffer`: its length, then the values that `body` writes.
    ///
    /// - Throws: `tooLarge` if the other side would refuse it; `buffer` is then unchanged.
    static func appendFrame(
        to buffer: inout [UInt8], _ body: (inout ByteWriter) -> Void
    ) throws(FrameError) {
        let start = buffer.count
        append(to: &buffer) { writer in
            writer.bytes.append(contentsOf: repeatElement(0, count: FrameFormat.headerByteCount))
            body(&writer)
        }
        let byteCount = buffer.count - start - FrameFormat.headerByteCount
        guard byteCount <= FrameFormat.maximumByteCount else {
            buffer.removeLast(buffer.count - start)
            throw .tooLarge(byteCount: byteCount)
        }
        for index in 0..<FrameFormat.headerByteCount {
            buffer[start + index] = UInt8(truncatingIfNeeded: byteCount >> (8 * index))
        }
    }
}
