/// Reads integers and texts from a source in sequence, each within the source's length.
///
/// It reads windows of 256 KiB, so that a header costs few system calls and no more memory than a window.
struct GGUFCursor<Source: GGUFSource> {
    private static var windowByteCount: Int { 256 << 10 }

    private var source: Source
    /// The bytes of the source from `windowStart` on.
    private var window: [UInt8] = []
    private var windowStart: UInt64 = 0
    private(set) var offset: UInt64 = 0

    init(_ source: Source) { self.source = source }

    var length: UInt64 { source.length }
    var remaining: UInt64 { length - offset }

    /// The next `count` bytes without consuming them, or fewer at the end of the source.
    mutating func peek(_ count: Int) throws(GGUFError) -> [UInt8] {
        try source.read(at: offset, count: count)
    }

    /// Consumes bytes without reading them.
    mutating func skip(_ count: UInt64) throws(GGUFError) {
        guard count <= remaining else {
            throw .truncated(length: length, needed: offset.addingReportingOverflow(count).partialValue)
        }
        offset += count
    }

    /// A little-endian integer.
    mutating func number<Number: FixedWidthInteger>(_: Number.Type = Number.self) throws(GGUFError) -> Number {
        let count = MemoryLayout<Number>.size
        let start = try fill(count)
        var number: Number = 0
        for index in (0..<count).reversed() { number = number << 8 | Number(truncatingIfNeeded: window[start + index]) }
        offset += UInt64(count)
        return number
    }

    /// The bytes of a text of at most `limit` bytes, preceded by its length in 64 bits.
    mutating func text(_ what: String, upTo limit: UInt64) throws(GGUFError) -> [UInt8] {
        try bytes(Int(try textLength(what, upTo: limit)))
    }

    /// The next `count` bytes. Memory grows window by window, so that a false count cannot reserve more than was
    /// read.
    mutating func bytes(_ count: Int) throws(GGUFError) -> [UInt8] {
        var bytes: [UInt8] = []
        while bytes.count < count {
            let wanted = min(count - bytes.count, Self.windowByteCount)
            let start = try fill(wanted)
            bytes += window[start..<start + wanted]
            offset += UInt64(wanted)
        }
        return bytes
    }

    /// The length of a text.
    ///
    /// - Returns: a length that is within `limit` and the source.
    mutating func textLength(_ what: String, upTo limit: UInt64) throws(GGUFError) -> UInt64 {
        let at = offset
        let count = try number(UInt64.self)
        guard count <= limit else {
            throw .broken("\(what) at byte \(at) would have \(count) bytes, and \(limit) are allowed")
        }
        guard count <= remaining else { throw .truncated(length: length, needed: offset + count) }
        return count
    }

    /// Makes the window contain the next `count` bytes.
    ///
    /// - Returns: their index in the window.
    private mutating func fill(_ count: Int) throws(GGUFError) -> Int {
        guard UInt64(count) <= remaining else { throw .truncated(length: length, needed: offset + UInt64(count)) }
        if offset >= windowStart, offset - windowStart + UInt64(count) <= UInt64(window.count) {
            return Int(offset - windowStart)
        }
        window = try source.read(at: offset, count: Self.windowByteCount)
        windowStart = offset
        guard window.count >= count else {
            throw .truncated(length: offset + UInt64(window.count), needed: offset + UInt64(count))
        }
        return 0
    }
}
