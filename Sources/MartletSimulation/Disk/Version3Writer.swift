import MartletProtocol

/// Writes values in the form of journals of version 3: one behind the other, without field numbers.
///
/// `Version3Reader` reads them. Only the simulation writes this form, as the disk of a server that an older build ran.
struct Version3Writer {
    private(set) var bytes: [UInt8] = []

    mutating func add(_ byte: UInt8) { bytes.append(byte) }

    mutating func add(_ flag: Bool) { bytes.append(flag ? 1 : 0) }

    /// Seven bits a byte, the lowest first.
    mutating func add(unsigned value: UInt64) {
        var rest = value
        while rest >= 0x80 {
            bytes.append(UInt8(rest & 0x7F) | 0x80)
            rest >>= 7
        }
        bytes.append(UInt8(rest))
    }

    /// The sign is the lowest bit.
    mutating func add(_ value: Int64) { add(unsigned: UInt64(bitPattern: value << 1 ^ value >> 63)) }

    mutating func add(_ value: Int) { add(Int64(value)) }

    mutating func add(_ value: Int32) { add(Int64(value)) }

    mutating func add(_ value: Float) {
        for shift in stride(from: UInt32(0), to: 32, by: 8) { bytes.append(UInt8(value.bitPattern >> shift & 0xFF)) }
    }

    mutating func add(_ value: Duration) {
        add(value.components.seconds)
        add(value.components.attoseconds)
    }

    mutating func add(_ slice: some Collection<UInt8>) {
        add(unsigned: UInt64(slice.count))
        bytes += slice
    }

    mutating func add(_ text: String) { add(text.utf8) }

    /// A flag, and the value behind it if there is one.
    mutating func add<Value>(_ value: Value?, _ write: (inout Self, Value) -> Void) {
        add(value != nil)
        if let value { write(&self, value) }
    }

    mutating func add(_ text: String?) { add(text) { $0.add($1) } }

    mutating func add(_ value: Int?) { add(value) { $0.add($1) } }

    mutating func add(_ value: Duration?) { add(value) { $0.add($1) } }

    /// The number of elements, and the elements.
    mutating func add<Element>(_ list: [Element], _ write: (inout Self, Element) -> Void) {
        add(unsigned: UInt64(list.count))
        for element in list { write(&self, element) }
    }

    mutating func add(_ texts: [String]) { add(texts) { $0.add($1) } }

    mutating func add(_ tokens: [Int32]) { add(tokens) { $0.add($1) } }

    /// The index of a case among the cases that version 3 had.
    /// - Returns: `false` = version 3 had no such case.
    mutating func add<Case: Equatable>(_ value: Case, of cases: [Case]) -> Bool {
        guard let index = cases.firstIndex(of: value) else { return false }
        add(UInt8(index))
        return true
    }
}
