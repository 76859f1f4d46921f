/// How a field's value lies behind its number: the wire types of Protocol Buffers.
package enum WireType: UInt8 {
    /// LEB128, at most 64 bits.
    case varint = 0
    /// 8 bytes, little-endian.
    case fixed64 = 1
    /// A varint with the number of the bytes that follow.
    case bytes = 2
    /// 4 bytes, little-endian.
    case fixed32 = 5
}

/// Goes through the fields of a message in ascending order of their numbers: to write or to read them.
///
/// One description of a message, `FieldRecord.code`, serves both directions:
///
/// ```swift
/// try coder.field(1, &index)
/// try coder.field(2, &scale)
/// ```
///
/// A scalar that is zero, false or empty is not written, and a scalar that is absent is read as such. An optional value
/// is written whenever there is one.
package protocol FieldCoder {
    associatedtype Failure: Error

    mutating func field<Value: FieldScalar>(_ number: Int, _ value: inout Value) throws(Failure)
    mutating func field<Value: FieldScalar>(_ number: Int, _ value: inout Value?) throws(Failure)
    /// A message that is never absent.
    mutating func field<Value: FieldMessage>(_ number: Int, _ value: inout Value) throws(Failure)
    mutating func field<Value: FieldMessage>(_ number: Int, _ value: inout Value?) throws(Failure)
    /// A field for each element.
    mutating func list<Value: FieldScalar>(_ number: Int, _ values: inout [Value]) throws(Failure)
    mutating func list<Value: FieldMessage>(_ number: Int, _ values: inout [Value]) throws(Failure)
    /// One field with the varints of all elements.
    mutating func packed(_ number: Int, _ values: inout [Int32]) throws(Failure)
}

/// A value without fields of its own.
package protocol FieldScalar {
    static var wireType: WireType { get }
    /// The value of an absent field.
    static var absent: Self { get }
    var isAbsent: Bool { get }

    func write(to writer: inout JournalFieldWriter)
    init(from reader: inout JournalFieldReader) throws(FieldError)
}

/// A value with numbered fields.
package protocol FieldMessage {
    func write(to writer: inout JournalFieldWriter)
    init(from reader: inout JournalFieldReader) throws(FieldError)
}

/// A message that has all its fields at once, rather than one of several.
package protocol FieldRecord: FieldMessage {
    /// A value of which every field is replaced.
    static var blank: Self { get }

    /// Goes through all fields, in ascending order.
    mutating func code<Coder: FieldCoder>(_ coder: inout Coder) throws(Coder.Failure)

    /// Checks what was read.
    func validate() throws(FieldError)
}

extension FieldRecord {
    package func validate() throws(FieldError) {}

    /// Appends all fields.
    package func write(to writer: inout JournalFieldWriter) {
        var copy = self
        copy.code(&writer)
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        self = .blank
        try code(&reader)
        try validate()
    }
}

/// An enumeration whose cases have numbers of the journal's own, beginning with 0. A number never gets another meaning.
package protocol FieldCase: FieldScalar, CaseIterable, Equatable {
    static var name: StaticString { get }
    var fieldNumber: UInt64 { get }
}

extension FieldCase {
    package static var wireType: WireType { .varint }
    package static var absent: Self { allCases.first { $0.fieldNumber == 0 } ?? allCases[allCases.startIndex] }
    package var isAbsent: Bool { fieldNumber == 0 }

    /// Appends the number of the case.
    package func write(to writer: inout JournalFieldWriter) { writer.write(varint: fieldNumber) }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        let number = try reader.varint()
        guard let value = Self.allCases.first(where: { $0.fieldNumber == number }) else {
            throw .unknownCase(of: Self.name, number: number)
        }
        self = value
    }
}
