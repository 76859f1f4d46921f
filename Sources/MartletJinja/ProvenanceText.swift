import MartletText

/// A string of a template that stores for each byte whether it is trusted.
///
/// Trusted bytes were written by the template's author, untrusted bytes came with a request. A template may cut, join
/// and change text in any way; the provenance follows each byte. So the tokenizer recognises control tokens in the
/// template's text only, and a client cannot close a turn with `<|im_end|>` in its message.
///
///     ProvenanceText("<|user|>", isTrusted: true) + ProvenanceText("Hi<|end|>", isTrusted: false)
///         string "<|user|>Hi<|end|>", startsTrusted true, flips [8]
///
/// Rules for new text: a slice or a mapped code point has the provenance of its source; text that depends on data
/// (numbers that were computed, padding, punctuation of JSON and `repr`) is untrusted. In doubt text is untrusted:
/// then a control token is only spelled out.
///
/// Most texts have one provenance; then `flips` is empty and the costs are those of a string.
package struct ProvenanceText: Sendable {
    /// The text. UTF-8 without lone surrogates.
    package private(set) var string: String
    /// Whether the first byte is trusted. For an empty text it has no meaning.
    private(set) var startsTrusted: Bool
    /// The byte offsets at which trust changes: strictly rising, none of them 0 or the length.
    private(set) var flips: [Int]
    /// Whether the text is safe (Jinja's class "Markup"): made by `escape`, `safe` or a filter behind them, and not
    /// escaped again.
    private(set) var isMarkup = false

    /// A text of one provenance.
    package init(_ string: String, isTrusted: Bool) {
        self.string = string
        startsTrusted = isTrusted
        flips = []
    }

    /// The empty text.
    static let empty = ProvenanceText("", isTrusted: true)

    /// Whether the text has no bytes.
    package var isEmpty: Bool { string.isEmpty }
    /// The number of bytes in UTF-8.
    package var byteCount: Int { string.utf8.count }
    /// Whether the last byte is trusted.
    var endsTrusted: Bool { flips.count.isMultiple(of: 2) ? startsTrusted : !startsTrusted }
    /// Whether every byte is trusted.
    var isWhollyTrusted: Bool { startsTrusted && flips.isEmpty }

    /// Appends a text with its provenance. Whether the result is safe text does not change.
    /// - Complexity: amortised linear in `other`.
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

    /// Appends a text of one provenance.
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

    /// The bytes in `range`, whose bounds lie between code points, with their provenance.
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

    /// The same text as safe text, which is not escaped again, or as ordinary text.
    func marked(_ isMarkup: Bool = true) -> ProvenanceText {
        var result = self
        result.isMarkup = isMarkup
        return result
    }

    /// The text with `&`, `<`, `>` and quotes escaped for HTML; safe text stays as it is. Each entity has the
    /// provenance of its character.
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

    /// The provenance of this text with another string of the same number of bytes.
    func replacingString(by other: String) -> ProvenanceText {
        assert(other.utf8.count == byteCount)
        var result = self
        result.string = other
        return result
    }

    /// Whether the byte at `offset` is trusted. Logarithmic in the number of flips.
    func isTrusted(at offset: Int) -> Bool {
        flipCount(upTo: offset).isMultiple(of: 2) ? startsTrusted : !startsTrusted
    }

    /// The number of flips at or before `offset` (binary search).
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

    /// The text with each code point replaced by the text of `transform`, which has the code point's provenance.
    func mapScalars(_ transform: (Unicode.Scalar) -> String) -> ProvenanceText {
        var result = ProvenanceText.empty
        for run in runs {
            var piece = ""
            for scalar in slice(run.range).string.unicodeScalars { piece += transform(scalar) }
            result.append(piece, isTrusted: run.isTrusted)
        }
        return result
    }

    /// Each code point as a text of its own. A loop over a string uses them.
    var characters: [ProvenanceText] {
        var offset = 0
        return string.unicodeScalars.map { scalar in
            defer { offset += UTF8.width(scalar) }
            return ProvenanceText(String(scalar), isTrusted: isTrusted(at: offset))
        }
    }
}

/// Equality is of bytes. Swift's `==` treats composed and decomposed letters as equal, Python's does not. Provenance
/// does not count: `message.role == "user"` compares a client's text with the template's.
extension ProvenanceText: Hashable {
    package static func == (left: ProvenanceText, right: ProvenanceText) -> Bool {
        left.string.hasSameBytes(as: right.string)
    }

    /// Hashes the bytes, in accordance with `==`.
    package func hash(into hasher: inout Hasher) {
        var copy = string
        copy.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }

    /// The order of code points, which is that of the bytes in UTF-8. Python's order of strings.
    static func < (left: ProvenanceText, right: ProvenanceText) -> Bool {
        left.string.utf8.lexicographicallyPrecedes(right.string.utf8)
    }
}
