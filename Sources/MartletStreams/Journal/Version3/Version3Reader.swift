/// Reads the values of a record of format version 3. Whatever the bytes are, it throws and never traps.
///
/// Version 3 had no field numbers: values lie one behind the other, in the form that frames between an edge and its
/// worker had in their version 7. This folder only reads, and does not change when frames do.
struct Version3Reader {
    private let bytes: ArraySlice<UInt8>
    private var position: Int

    init(_ bytes: ArraySlice<UInt8>) {
        self.bytes = bytes
        position = bytes.startIndex
    }

    var remainingCount: Int { bytes.endIndex - position }

    func finish() throws(FieldError) {
        if remainingCount > 0 { throw .invalid("end of a record") }
    }

    mutating func byte() throws(FieldError) -> UInt8 {
        guard position < bytes.endIndex else { throw .truncated }
        defer { position += 1 }
        return bytes[position]
    }

    mutating func bool() throws(FieldError) -> Bool {
        switch try byte() {
        case 0: false
        case 1: true
        default: throw .invalid("truth value")
        }
    }

    mutating func unsigned() throws(FieldError) -> UInt64 {
        var value: UInt64 = 0
        var shift: UInt64 = 0
        while true {
            let byte = try byte()
            if shift == 63, byte > 1 { throw .invalid("number") }
            value |= UInt64(byte & 0x7F) << shift
            if byte < 0x80 { return value }
            shift += 7
        }
    }

    mutating func int64() throws(FieldError) -> Int64 {
        let value = try unsigned()
        return Int64(bitPattern: value >> 1) ^ -Int64(bitPattern: value & 1)
    }

    mutating func int() throws(FieldError) -> Int { Int(try int64()) }

    mutating func int32() throws(FieldError) -> Int32 {
        guard let value = Int32(exactly: try int64()) else { throw .invalid("number") }
        return value
    }

    mutating func float() throws(FieldError) -> Float {
        var bits: UInt32 = 0
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bits |= UInt32(try byte()) << shift }
        return Float(bitPattern: bits)
    }

    mutating func duration() throws(FieldError) -> Duration {
        Duration(secondsComponent: try int64(), attosecondsComponent: try int64())
    }

    /// A count of values that take `minimumByteCount` bytes or more each, so never more than the record can hold.
    mutating func count(minimumByteCount: Int = 1) throws(FieldError) -> Int {
        let count = try unsigned()
        guard count <= UInt64(remainingCount / minimumByteCount) else { throw .truncated }
        return Int(count)
    }

    /// Bytes that share the record's storage.
    mutating func slice() throws(FieldError) -> ArraySlice<UInt8> {
        let count = try count()
        defer { position += count }
        return bytes[position..<position + count]
    }

    mutating func string() throws(FieldError) -> String {
        guard let text = String(validating: try slice(), as: UTF8.self) else { throw .invalid("text") }
        return text
    }

    mutating func list<Value>(
        _ read: (inout Version3Reader) throws(FieldError) -> Value
    ) throws(FieldError) -> [Value] {
        var values: [Value] = []
        for _ in 0..<(try count()) { values.append(try read(&self)) }
        return values
    }

    mutating func int32s() throws(FieldError) -> [Int32] {
        try list { reader throws(FieldError) in try reader.int32() }
    }

    mutating func strings() throws(FieldError) -> [String] {
        try list { reader throws(FieldError) in try reader.string() }
    }

    mutating func optional<Value>(
        _ read: (inout Version3Reader) throws(FieldError) -> Value
    ) throws(FieldError) -> Value? {
        try bool() ? try read(&self) : nil
    }

    mutating func optionalString() throws(FieldError) -> String? {
        try optional { reader throws(FieldError) in try reader.string() }
    }

    mutating func optionalInt() throws(FieldError) -> Int? {
        try optional { reader throws(FieldError) in try reader.int() }
    }

    mutating func optionalDuration() throws(FieldError) -> Duration? {
        try optional { reader throws(FieldError) in try reader.duration() }
    }

    /// A case of an enumeration, as its index in `cases`.
    mutating func element<Case>(of cases: [Case], _ name: StaticString) throws(FieldError) -> Case {
        let number = Int(try byte())
        guard number < cases.count else { throw .invalid(name) }
        return cases[number]
    }
}
