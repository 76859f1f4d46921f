import MartletText

/// A string of a template that knows of each byte whether it may be trusted.
///
/// Trusted is what the template's author wrote, untrusted what came with a request. The text is uniform in the common
/// case and then costs no more than a string.
package struct ProvenanceText: Sendable {
    package private(set) var string: String
    /// Of the first byte.
    private(set) var startsTrusted: Bool
    /// Byte offsets at which trust changes, rising, none at the ends.
    private(set) var flips: [Int]
    /// Whether `escape`, `safe` or a filter behind them made it: Python's `Markup`, which is not escaped again.
    private(set) var isMarkup = false

    package init(_ string: String, isTrusted: Bool) {
        self.string = string
        startsTrusted = isTrusted
        flips = []
    }

    static let empty = ProvenanceText("", isTrusted: true)

    package var isEmpty: Bool { string.isEmpty }
    package var byteCount: Int { string.utf8.count }
    var endsTrusted: Bool { flips.count.isMultiple(of: 2) ? startsTrusted : !startsTrusted }
    var isWhollyTrusted: Bool { startsTrusted && flips.isEmpty }

    mutating func append(_ other: ProvenanceText) {
        if other.isEmpty { return }
        if isEmpty {
            let isMarkup = isMarkup
            self = other
            self.isMarkup = isMarkup
            return
        }
        let base = byteCount
        if other.startsTrusted != endsTrusted { flips.append(base) }
        for flip in other.flips { flips.append(base + flip) }
        string += other.string
    }

    mutating func append(_ other: String, isTrusted: Bool) {
        if other.isEmpty { return }
        if isEmpty {
            startsTrusted = isTrusted
            flips.removeAll(keepingCapacity: true)
        } else if endsTrusted != isTrusted {
            flips.append(byteCount)
        }
        string += other
    }

    /// The bytes in `range`, which begins and ends between code points.
    package func slice(_ range: Range<Int>) -> ProvenanceText {
        if range.lowerBound == 0, range.upperBound == byteCount { return self }
        if range.isEmpty { return ProvenanceText.empty.marked(isMarkup) }
        let utf8 = string.utf8
        let start = utf8.index(utf8.startIndex, offsetBy: range.lowerBound)
        let end = utf8.index(start, offsetBy: range.count)
        var result = ProvenanceText(String(string[start..<end]), isTrusted: startsTrusted).marked(isMarkup)
        if flips.isEmpty { return result }
        let first = flipCount(upTo: range.lowerBound)
        if !first.isMultiple(of: 2) { result.startsTrusted.toggle() }
        var index = first
        while index < flips.count, flips[index] < range.upperBound {
            result.flips.append(flips[index] - range.lowerBound)
            index += 1
        }
        return result
    }

    /// The same text as markup, or as none.
    func marked(_ isMarkup: Bool = true) -> ProvenanceText {
        var result = self
        result.isMarkup = isMarkup
        return result
    }

    /// Escaped for HTML, unless it is markup.
    var escaped: ProvenanceText {
        if isMarkup { return self }
        return mapScalars { scalar in
            switch scalar {
            case "&": "&amp;"
            case "<": "&lt;"
            case ">": "&gt;"
            case "'": "&#39;"
            case "\"": "&#34;"
            default: String(scalar)
            }
        }.marked()
    }

    /// The same provenance for another string of the same length in bytes.
    func replacingString(by other: String) -> ProvenanceText {
        assert(other.utf8.count == byteCount)
        var result = self
        result.string = other
        return result
    }

    /// Whether the byte at `offset` is trusted.
    func isTrusted(at offset: Int) -> Bool {
        flipCount(upTo: offset).isMultiple(of: 2) ? startsTrusted : !startsTrusted
    }

    /// How many flips lie at or before `offset`.
    private func flipCount(upTo offset: Int) -> Int {
        var low = 0
        var high = flips.count
        while low < high {
            let middle = (low + high) / 2
            if flips[middle] <= offset { low = middle + 1 } else { high = middle }
        }
        return low
    }

    /// The maximal pieces of one provenance, in order.
    var runs: [(range: Range<Int>, isTrusted: Bool)] {
        if isEmpty { return [] }
        var result: [(range: Range<Int>, isTrusted: Bool)] = []
        result.reserveCapacity(flips.count + 1)
        var start = 0
        var isTrusted = startsTrusted
        for end in flips + [byteCount] {
            result.append((start..<end, isTrusted))
            start = end
            isTrusted.toggle()
        }
        return result
    }

    /// Each code point, replaced by what `transform` makes of it, with the provenance it had.
    func mapScalars(_ transform: (Unicode.Scalar) -> String) -> ProvenanceText {
        var result = ProvenanceText.empty
        for run in runs {
            var piece = ""
            for scalar in slice(run.range).string.unicodeScalars { piece += transform(scalar) }
            result.append(piece, isTrusted: run.isTrusted)
        }
        return result
    }

    /// Each code point as a text of its own.
    var characters: [ProvenanceText] {
        var offset = 0
        return string.unicodeScalars.map { scalar in
            defer { offset += UTF8.width(scalar) }
            return ProvenanceText(String(scalar), isTrusted: isTrusted(at: offset))
        }
    }
}

/// Equality is of bytes: Swift's own would call two spellings of an accented letter equal.
extension ProvenanceText: Hashable {
    package static func == (left: ProvenanceText, right: ProvenanceText) -> Bool {
        left.string.hasSameBytes(as: right.string)
    }

    package func hash(into hasher: inout Hasher) {
        var copy = string
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// Order of code points, which is that of UTF-8 bytes.
    static func < (left: ProvenanceText, right: ProvenanceText) -> Bool {
        left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
    }
}
