/// The bytes of a file, in a file system or in memory.
package protocol GGUFSource {
    /// The number of bytes.
    var length: UInt64 { get }

    /// Reads `count` bytes from `offset` on, or fewer at the end of the source.
    mutating func read(at offset: UInt64, count: Int) throws(GGUFError) -> [UInt8]
}

/// A file in memory, for tests and fuzzing.
package struct GGUFBytes: GGUFSource {
    private let bytes: [UInt8]

    /// Creates a source of bytes.
    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var length: UInt64 { UInt64(bytes.count) }

    /// Returns `count` bytes from `offset` on, or fewer at the end.
    package func read(at offset: UInt64, count: Int) -> [UInt8] {
        guard offset < length else { return [] }
        return Array(bytes[Int(offset)...].prefix(count))
    }
}
