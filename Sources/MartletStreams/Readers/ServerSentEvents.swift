internal import MartletPlatform

/// The framing of server-sent events: parts of one or more lines, each followed by an empty line.
package enum ServerSentEvents {
    /// A comment, which clients ignore.
    package static let ping = Array(":\n\n".utf8)

    /// Appends a ping.
    package static func appendPing(to bytes: inout [UInt8]) { bytes.append(contentsOf: ping) }

    /// Appends a comment.
    /// - Parameter count: the size of the comment in bytes, at least 3.
    package static func appendComment(byteCount count: Int, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: ":"))
        bytes.append(contentsOf: repeatElement(UInt8(ascii: " "), count: max(count - 3, 0)))
        bytes.append(contentsOf: "\n\n".utf8)
    }

    /// The end of the part that begins at `start`, its empty line included; `nil` when the part is incomplete.
    static func endOfPart(in bytes: [UInt8], from start: Int) -> Int? {
        var index = start
        while index + 1 < bytes.count, let found = firstNewline(in: bytes, from: index) {
            if found + 1 < bytes.count, bytes[found + 1] == 0x0A { return found + 2 }
            index = found + 1
        }
        return nil
    }

    private static func firstNewline(in bytes: [UInt8], from start: Int) -> Int? {
        bytes.withUnsafeBytes { buffer in
            guard start < buffer.count, let base = buffer.baseAddress,
                let found = memchr(base + start, 0x0A, buffer.count - start)
            else { return nil }
            return UnsafeRawPointer(found) - base
        }
    }
}
