/// Appends fields to the payload of a record.
package struct JournalFieldWriter {
    private var bytes: [UInt8] = []

    /// Appends what `body` writes to `buffer`.
    package static func append(to buffer: inout [UInt8], _ body: (inout JournalFieldWriter) -> Void) {
        var writer = JournalFieldWriter()
        swap(&writer.bytes, &buffer)
        body(&writer)
        swap(&writer.bytes, &buffer)
    }

    // MARK: Values

    /// A varint, unsigned.
    package mutating func write(varint value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(truncatingIfNeeded: rest) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(truncatingIfNeeded: rest))
    }

    /// Zigzag, so that small negative numbers are short too.
    package mutating func write(signed value: Int64) { write(varint: UInt64(bitPattern: (value << 1) ^ (value >> 63))) }

    /// A little-endian number of fixed size.
    package mutating func write(fixed value: some FixedWidthInteger) { bytes += JournalFormat.bytes(value) }

    /// The number of bytes and the bytes.
    package mutating func write(_ value: some Collection<UInt8>) {
        write(varint: UInt64(value.count))
        bytes.append(contentsOf: value)
    }

    /// The number of the bytes that `body` writes, and these bytes.
    private mutating func writeCounted(_ body: (inout JournalFieldWriter) -> Void) {
        let start = bytes.count
        bytes.append(0)
        body(&self)
        let count = bytes.count - start - 1
        guard count >= 0x80 else {
            bytes[start] = UInt8(truncatingIfNeeded: count)
            return
        }
        var prefix = JournalFieldWriter()
        prefix.write(varint: UInt64(count))
        bytes.replaceSubrange(start...start, with: prefix.bytes)
    }

    // MARK: Fields

    private mutating func writeKey(_ number: Int, _ type: WireType) {
        write(varint: UInt64(number) << 3 | UInt64(type.rawValue))
    }

    /// A scalar, even if it is zero.
    package mutating func scalar(_ number: Int, _ value: some FieldScalar) {
        writeKey(number, type(of: value).wireType)
        value.write(to: &self)
    }

    /// A message, even if it has no fields.
    package mutating func message(_ number: Int, _ body: (inout JournalFieldWriter) -> Void) {
        writeKey(number, .bytes)
        writeCounted(body)
    }
}

extension JournalFieldWriter: FieldCoder {
    package typealias Failure = Never

    package mutating func field<Value: FieldScalar>(_ number: Int, _ value: inout Value) {
        if !value.isAbsent { scalar(number, value) }
    }

    package mutating func field<Value: FieldScalar>(_ number: Int, _ value: inout Value?) {
        if let value { scalar(number, value) }
    }

    package mutating func field<Value: FieldMessage>(_ number: Int, _ value: inout Value) {
        message(number) { value.write(to: &$0) }
    }

    package mutating func field<Value: FieldMessage>(_ number: Int, _ value: inout Value?) {
        if let value { message(number) { value.write(to: &$0) } }
    }

    package mutating func list<Value: FieldScalar>(_ number: Int, _ values: inout [Value]) {
        for value in values { scalar(number, value) }
    }

    package mutating func list<Value: FieldMessage>(_ number: Int, _ values: inout [Value]) {
        for value in values { message(number) { value.write(to: &$0) } }
    }

    package mutating func packed(_ number: Int, _ values: inout [Int32]) {
        guard !values.isEmpty else { return }
        let values = values
        message(number) { writer in
            for value in values { writer.write(signed: Int64(value)) }
        }
    }
}
