/// The values without fields of their own.
extension Bool: FieldScalar {
    package static var wireType: WireType { .varint }
    package static var absent: Bool { false }
    package var isAbsent: Bool { !self }

    package func write(to writer: inout JournalFieldWriter) { writer.write(varint: self ? 1 : 0) }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        switch try reader.varint() {
        case 0: self = false
        case 1: self = true
        default: throw .invalid("truth value")
        }
    }
}

extension Int64: FieldScalar {
    package static var wireType: WireType { .varint }
    package static var absent: Int64 { 0 }
    package var isAbsent: Bool { self == 0 }

    package func write(to writer: inout JournalFieldWriter) { writer.write(signed: self) }

    package init(from reader: inout JournalFieldReader) throws(FieldError) { self = try reader.signed() }
}

extension Int: FieldScalar {
    package static var wireType: WireType { .varint }
    package static var absent: Int { 0 }
    package var isAbsent: Bool { self == 0 }

    package func write(to writer: inout JournalFieldWriter) { writer.write(signed: Int64(self)) }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        guard let value = Int(exactly: try reader.signed()) else { throw .invalid("number") }
        self = value
    }
}

extension Int32: FieldScalar {
    package static var wireType: WireType { .varint }
    package static var absent: Int32 { 0 }
    package var isAbsent: Bool { self == 0 }

    package func write(to writer: inout JournalFieldWriter) { writer.write(signed: Int64(self)) }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        guard let value = Int32(exactly: try reader.signed()) else { throw .invalid("number") }
        self = value
    }
}

extension UInt64: FieldScalar {
    package static var wireType: WireType { .varint }
    package static var absent: UInt64 { 0 }
    package var isAbsent: Bool { self == 0 }

    package func write(to writer: inout JournalFieldWriter) { writer.write(varint: self) }

    package init(from reader: inout JournalFieldReader) throws(FieldError) { self = try reader.varint() }
}

extension Float: FieldScalar {
    package static var wireType: WireType { .fixed32 }
    package static var absent: Float { 0 }
    /// Not of a negative zero.
    package var isAbsent: Bool { bitPattern == 0 }

    package func write(to writer: inout JournalFieldWriter) { writer.write(fixed: bitPattern) }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        self.init(bitPattern: try reader.fixed(UInt32.self))
    }
}

extension String: FieldScalar {
    package static var wireType: WireType { .bytes }
    package static var absent: String { "" }
    package var isAbsent: Bool { isEmpty }

    package func write(to writer: inout JournalFieldWriter) { writer.write(utf8) }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        guard let text = String(validating: try reader.counted(), as: UTF8.self) else { throw .invalid("text") }
        self = text
    }
}

extension ArraySlice<UInt8>: FieldScalar {
    package static var wireType: WireType { .bytes }
    package static var absent: ArraySlice<UInt8> { [] }
    package var isAbsent: Bool { isEmpty }

    /// Appends the number of the bytes and the bytes.
    package func write(to writer: inout JournalFieldWriter) { writer.write(self) }

    package init(from reader: inout JournalFieldReader) throws(FieldError) { self = try reader.counted() }
}

extension [UInt8]: FieldScalar {
    package static var wireType: WireType { .bytes }
    package static var absent: [UInt8] { [] }
    package var isAbsent: Bool { isEmpty }

    /// Appends the number of the bytes and the bytes.
    package func write(to writer: inout JournalFieldWriter) { writer.write(self) }

    package init(from reader: inout JournalFieldReader) throws(FieldError) { self = Array(try reader.counted()) }
}

/// A message that counts as a scalar, since an absent duration is zero: 1 seconds, 2 nanoseconds, 3 attoseconds.
extension Duration: FieldScalar {
    package static var wireType: WireType { .bytes }
    package static var absent: Duration { .zero }
    package var isAbsent: Bool { self == .zero }

    private static var attosecondsPerNanosecond: Int64 { 1_000_000_000 }

    package func write(to writer: inout JournalFieldWriter) {
        var (seconds, attoseconds) = components
        var nanoseconds = attoseconds / Self.attosecondsPerNanosecond
        attoseconds %= Self.attosecondsPerNanosecond
        var bytes: [UInt8] = []
        JournalFieldWriter.append(to: &bytes) { writer in
            writer.field(1, &seconds)
            writer.field(2, &nanoseconds)
            writer.field(3, &attoseconds)
        }
        writer.write(bytes)
    }

    package init(from reader: inout JournalFieldReader) throws(FieldError) {
        self = try reader.message { reader throws(FieldError) in
            let (seconds, nanoseconds, attoseconds): (Int64, Int64, Int64) = (
                try reader.value(1), try reader.value(2), try reader.value(3)
            )
            let (sum, overflows) = nanoseconds.multipliedReportingOverflow(by: Self.attosecondsPerNanosecond)
            guard !overflows, abs(sum) < Int64.max / 4, attoseconds.magnitude < UInt64(Self.attosecondsPerNanosecond)
            else { throw .invalid("duration") }
            return Duration(secondsComponent: seconds, attosecondsComponent: sum + attoseconds)
        }
    }
}
