/// The bytes of a file, wherever they are.
package protocol GGUFSource {
    var length: UInt64 { get }

    /// Bytes from `offset` on: `count` of them, or fewer where the source ends.
    mutating func read(at offset: UInt64, count: Int) throws(GGUFError) -> [UInt8]
}

/// A file in memory.
package struct GGUFBytes: GGUFSource {
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var length: UInt64 { UInt64(bytes.count) }

    package func read(at offset: UInt64, count: Int) -> [UInt8] {
        guard offset < length else { return [] }
        return Array(bytes[Int(offset)...].prefix(count))
    }
}
