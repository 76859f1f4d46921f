package import MartletFiles

/// A source of a journal's bytes: a file or an array.
package protocol JournalSource: ~Copyable {
    var byteCount: Int { get }

    /// `count` bytes from `offset` on, or fewer where the journal ends.
    borrowing func read(at offset: Int, count: Int) throws(FileError) -> [UInt8]
}

extension OpenFile: JournalSource {}

/// A journal in memory.
package struct JournalBytes: JournalSource {
    private let bytes: [UInt8]

    package init(_ bytes: [UInt8]) { self.bytes = bytes }

    package var byteCount: Int { bytes.count }

    /// `count` bytes from `offset` on, or fewer at the end.
    package func read(at offset: Int, count: Int) -> [UInt8] { Array(bytes.dropFirst(offset).prefix(count)) }
}
