package import MartletJSON

/// The state of an unfinished download, stored beside the part as `NAME.part.json`.
///
///     model.gguf.part        the bytes, with holes
///     model.gguf.part.json   {"etag":"\"abc\"","size":104857600,"range":16777216,"done":[0,1,4]}
///
/// A range counts when its bytes are in the file. So a cut costs at most the ranges in progress.
package struct PartRecord: Sendable, Equatable {
    /// The server's mark of the file's version; `nil` if it sends none.
    package var etag: String?
    package var byteCount: UInt64
    package var rangeByteCount: UInt64
    /// The numbers of complete ranges.
    package var done: Set<Int> = []

    /// The bytes of a range. More ranges cost requests; larger ones cost more after a cut.
    package static let usualRangeByteCount: UInt64 = 16 << 20

    /// Creates the record of a new download.
    package init(etag: String?, byteCount: UInt64, rangeByteCount: UInt64 = PartRecord.usualRangeByteCount) {
        self.etag = etag
        self.byteCount = byteCount
        self.rangeByteCount = max(1, rangeByteCount)
    }

    /// The number of ranges.
    package var rangeCount: Int { Int(clamping: (byteCount + rangeByteCount - 1) / rangeByteCount) }

    /// First and last byte of a range.
    package func bounds(of range: Int) -> ClosedRange<UInt64> {
        let begin = UInt64(range) * rangeByteCount
        return begin...min(begin + rangeByteCount, byteCount) - 1
    }

    /// The bytes of complete ranges.
    package var doneByteCount: UInt64 {
        done.reduce(0) { sum, range in
            let bounds = bounds(of: range)
            return sum + bounds.upperBound - bounds.lowerBound + 1
        }
    }

    /// The numbers of incomplete ranges, ascending.
    package var missing: [Int] { (0..<rangeCount).filter { !done.contains($0) } }

    /// Whether the part belongs to this version of the file. Without a mark only the size is known.
    package func matches(etag: String?, byteCount: UInt64) -> Bool {
        self.byteCount == byteCount && self.etag == etag
    }

    /// The record as JSON.
    package var json: JSONValue {
        .object([
            "etag": etag.map { .string($0) } ?? .null, "size": JSONValue(byteCount), "range": JSONValue(rangeByteCount),
            "done": .array(done.sorted().map { .integer(Int64($0)) }),
        ])
    }

    /// Reads a record; `nil` if it has another form, so that the download begins again.
    package init?(json: JSONValue) {
        guard let byteCount = json["size"]?.unsignedValue, let range = json["range"]?.unsignedValue, range > 0,
            let done = json["done"]?.arrayValue
        else { return nil }
        self.init(etag: json["etag"]?.stringValue, byteCount: byteCount, rangeByteCount: range)
        guard byteCount / range < 1 << 24 else { return nil }
        for value in done {
            guard let number = value.integerValue, number >= 0, number < Int64(rangeCount) else { return nil }
            self.done.insert(Int(number))
        }
    }
}

/// A strong ETag may be used with `If-Range` (RFC 9110, 13.1.5); a weak one may not.
package enum EntityTag {
    /// The tag without the mark of weakness, for comparisons.
    package static func comparable(_ tag: String) -> String { tag.hasPrefix("W/") ? String(tag.dropFirst(2)) : tag }

    /// Whether the tag may be sent in `If-Range`.
    package static func isStrong(_ tag: String) -> Bool {
        tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.utf8.count >= 2
    }
}

/// The header `Content-Range: bytes 0-99/1000`.
package struct ContentRange: Sendable, Equatable {
    package var first: UInt64
    package var last: UInt64
    package var total: UInt64

    /// Parses the value; `nil` for another form, also for an unknown total.
    package init?(_ text: String) {
        guard text.lowercased().hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/")
        guard parts.count == 2, let total = UInt64(parts[1]) else { return nil }
        let bounds = parts[0].split(separator: "-")
        guard bounds.count == 2, let first = UInt64(bounds[0]), let last = UInt64(bounds[1]), first <= last,
            last < total
        else { return nil }
        (self.first, self.last, self.total) = (first, last, total)
    }
}
