/// Reads the fields of a message in ascending order of their numbers. Whatever the bytes are, it throws and never
/// traps.
///
/// A field with a number that nothing asks for is skipped.
package struct JournalFieldReader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    /// Reads a message from its first byte on.
    package init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    private var remainingCount: Int { bytes.endIndex - position }

    /// The bytes that were not read.
    var rest: ArraySlice<UInt8> { bytes[position...] }

    // MARK: Values

    /// A varint, unsigned.
    package mutating func varint() throws(FieldError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while position < bytes.endIndex {
            let byte = bytes[position]
            position += 1
            if shift == 63, byte > 1 { throw .invalid("number") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
        throw .truncated
    }

    /// A zigzagged varint.
    package mutating func signed() throws(FieldError) -> Int64 {
        let value = try varint()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    /// A little-endian number of fixed size.
    package mutating func fixed<Number: FixedWidthInteger>(_ type: Number.Type) throws(FieldError) -> Number {
        JournalFormat.number(try consume(Number.bitWidth / 8), as: type)
    }

    /// Bytes behind their number. They share the record's storage.
    package mutating func counted() throws(FieldError) -> ArraySlice<UInt8> {
        guard let count = Int(exactly: try varint()) else { throw .truncated }
        return try consume(count)
    }

    private mutating func consume(_ count: Int) throws(FieldError) -> ArraySlice<UInt8> {
        guard count <= remainingCount else { throw .truncated }
        defer { position += count }
        return bytes[position..<position + count]
    }

    // MARK: Fields

    /// Moves to the first field with a number in `numbers`, and behind its key. The fields before it are skipped.
    /// - Returns: `nil` when the next field lies behind `numbers`, or there is none.
    private mutating func find(_ numbers: ClosedRange<Int>) throws(FieldError) -> (number: Int, type: WireType)? {
        while position < bytes.endIndex {
            let start = position
            let key = try varint()
            guard let number = Int(exactly: key >> 3), number > 0, let type = WireType(rawValue: UInt8(key & 7)) else {
                throw .invalid("key of a field")
            }
            if number > numbers.upperBound {
                position = start
                return nil
            }
            if number >= numbers.lowerBound { return (number, type) }
            try skip(type)
        }
        return nil
    }

    private mutating func skip(_ type: WireType) throws(FieldError) {
        switch type {
        case .varint: _ = try varint()
        case .fixed64: _ = try consume(8)
        case .fixed32: _ = try consume(4)
        case .bytes: _ = try counted()
        }
    }

    /// Whether there is a field with this number; its value is next.
    private mutating func has(_ number: Int, _ type: WireType) throws(FieldError) -> Bool {
        guard let found = try find(number...number) else { return false }
        guard found.type == type else { throw .wrongType(number) }
        return true
    }

    /// The number of the field that says which case of an enumeration the message is; its value is next.
    package mutating func caseNumber(in numbers: ClosedRange<Int>, of name: StaticString) throws(FieldError) -> Int {
        if let found = try find(numbers) { return found.number }
        guard let other = try find(1...Int.max) else { throw .missing(numbers.lowerBound) }
        throw .unknownCase(of: name, number: UInt64(other.number))
    }

    /// The value of the field that `caseNumber` found.
    package mutating func message<Value: FieldMessage>(_ type: Value.Type = Value.self) throws(FieldError) -> Value {
        var reader = JournalFieldReader(try counted())
        let value = try Value(from: &reader)
        try reader.finish()
        return value
    }

    /// The same, read by `body`.
    package mutating func message<Value>(
        _ body: (inout JournalFieldReader) throws(FieldError) -> Value
    ) throws(FieldError) -> Value {
        var reader = JournalFieldReader(try counted())
        let value = try body(&reader)
        try reader.finish()
        return value
    }

    /// Skips the rest. To be called for each message: its fields have to be whole, known or not.
    package mutating func finish() throws(FieldError) {
        while let found = try find(1...Int.max) { try skip(found.type) }
    }

    /// The next element of a list of messages.
    package mutating func element(_ number: Int) throws(FieldError) -> JournalFieldReader? {
        try has(number, .bytes) ? JournalFieldReader(try counted()) : nil
    }

    // MARK: Single values

    /// The scalar in a field; that of an absent field if there is none.
    package mutating func value<Value: FieldScalar>(_ number: Int) throws(FieldError) -> Value {
        var value = Value.absent
        try field(number, &value)
        return value
    }

    /// The scalar in a field; nil if there is none.
    package mutating func optional<Value: FieldScalar>(_ number: Int) throws(FieldError) -> Value? {
        var value: Value?
        try field(number, &value)
        return value
    }
}

extension JournalFieldReader: FieldCoder {
    package typealias Failure = FieldError

    package mutating func field<Value: FieldScalar>(_ number: Int, _ value: inout Value) throws(FieldError) {
        value = try has(number, Value.wireType) ? try Value(from: &self) : .absent
    }

    package mutating func field<Value: FieldScalar>(_ number: Int, _ value: inout Value?) throws(FieldError) {
        value = try has(number, Value.wireType) ? try Value(from: &self) : nil
    }

    package mutating func field<Value: FieldMessage>(_ number: Int, _ value: inout Value) throws(FieldError) {
        guard try has(number, .bytes) else { throw .missing(number) }
        value = try message()
    }

    package mutating func field<Value: FieldMessage>(_ number: Int, _ value: inout Value?) throws(FieldError) {
        value = try has(number, .bytes) ? try message() : nil
    }

    package mutating func list<Value: FieldScalar>(_ number: Int, _ values: inout [Value]) throws(FieldError) {
        values = []
        while try has(number, Value.wireType) { values.append(try Value(from: &self)) }
    }

    package mutating func list<Value: FieldMessage>(_ number: Int, _ values: inout [Value]) throws(FieldError) {
        values = []
        while try has(number, .bytes) { values.append(try message()) }
    }

    package mutating func packed(_ number: Int, _ values: inout [Int32]) throws(FieldError) {
        values = []
        guard try has(number, .bytes) else { return }
        var reader = JournalFieldReader(try counted())
        while reader.remainingCount > 0 { values.append(try Int32(from: &reader)) }
    }
}
