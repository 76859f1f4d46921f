/// Search, division and replacement. Offsets are bytes inside; templates see code points.
///
/// The results are slices, so each byte retains its provenance. Equality is of bytes, as in Python: a composed letter
/// is not found in a decomposed one.
extension ProvenanceText {
    /// Byte offsets of `needle`, from left to right without overlap, at most `limit`. An empty needle has no
    /// occurrence.
    /// - Complexity: linear in the text.
    package func occurrences(of needle: ProvenanceText, limit: Int = .max) -> [Int] {
        if needle.byteCount > byteCount { return [] }
        let search = ByteSearch(Array(needle.string.utf8))
        var haystack = string
        return haystack.withUTF8 { search.offsets(in: $0, limit: limit) }
    }

    /// Whether `part in text`. The empty text is in every text.
    func contains(_ needle: ProvenanceText) -> Bool {
        needle.isEmpty || !occurrences(of: needle, limit: 1).isEmpty
    }

    /// `str.startswith()`.
    func hasPrefix(_ prefix: ProvenanceText) -> Bool { string.utf8.starts(with: prefix.string.utf8) }

    /// `str.endswith()`.
    package func hasSuffix(_ suffix: ProvenanceText) -> Bool {
        byteCount >= suffix.byteCount && string.utf8.suffix(suffix.byteCount).elementsEqual(suffix.string.utf8)
    }

    /// `str.strip()`: the text without the code points at its ends for which `isRemoved` is true.
    /// - Parameters:
    ///   - start: whether the beginning is stripped (`lstrip`).
    ///   - end: whether the end is stripped (`rstrip`).
    ///   - isRemoved: Python's white space by default.
    package func stripped(
        start: Bool = true, end: Bool = true, of isRemoved: (Unicode.Scalar) -> Bool = \.isPythonSpace
    ) -> ProvenanceText {
        let scalars = string.unicodeScalars
        var low = scalars.startIndex
        var high = scalars.endIndex
        if start { while low < high, isRemoved(scalars[low]) { low = scalars.index(after: low) } }
        if end {
            while low < high {
                let before = scalars.index(before: high)
                if !isRemoved(scalars[before]) { break }
                high = before
            }
        }
        return slice(low.byteOffset(in: string)..<high.byteOffset(in: string))
    }

    /// `str.split(separator, limit)`, or `rsplit` with `fromRight`: the parts between the occurrences, at most `limit
    /// + 1`.
    func split(at separator: ProvenanceText, limit: Int, fromRight: Bool = false) -> [ProvenanceText] {
        var cuts = occurrences(of: separator, limit: fromRight ? .max : limit)
        if fromRight {
            cuts = rightmostOccurrences(of: separator, limit: limit)
        }
        var parts: [ProvenanceText] = []
        var start = 0
        for cut in cuts {
            parts.append(slice(start..<cut))
            start = cut + separator.byteCount
        }
        parts.append(slice(start..<byteCount))
        return parts
    }

    /// Like `occurrences`, from right to left. The offsets are in rising order.
    private func rightmostOccurrences(of needle: ProvenanceText, limit: Int) -> [Int] {
        // A match from the right is a match of the reversed bytes from the left.
        let haystack = Array(string.utf8.reversed())
        let search = ByteSearch(needle.string.utf8.reversed())
        let found = haystack.withUnsafeBufferPointer { search.offsets(in: $0, limit: limit) }
        return found.reversed().map { byteCount - $0 - needle.byteCount }
    }

    /// `str.split(maxsplit=limit)` without a separator: the words between runs of white space. The rest of the text is
    /// the last part.
    func splitWords(limit: Int) -> [ProvenanceText] {
        var parts: [ProvenanceText] = []
        var rest = stripped(end: false)
        while !rest.isEmpty {
            if parts.count == limit {
                parts.append(rest.stripped(start: false))
                return parts
            }
            var length = 0
            for scalar in rest.string.unicodeScalars {
                if scalar.isPythonSpace { break }
                length += UTF8.width(scalar)
            }
            parts.append(rest.slice(0..<length))
            rest = rest.slice(length..<rest.byteCount).stripped(end: false)
        }
        return parts
    }

    /// `str.replace(needle, replacement, limit)`. An empty needle is found in front of each code point and at the end.
    func replacing(_ needle: ProvenanceText, with replacement: ProvenanceText, limit: Int) -> ProvenanceText {
        var result = ProvenanceText.empty
        var start = 0
        let cuts = needle.isEmpty ? Array(scalarOffsets.prefix(limit)) : occurrences(of: needle, limit: limit)
        for cut in cuts {
            result.append(slice(start..<cut))
            result.append(replacement)
            start = cut + needle.byteCount
        }
        result.append(slice(start..<byteCount))
        return result
    }

    /// Byte offsets of the code points, and of the end. For `aé`: 0, 1, 3.
    var scalarOffsets: [Int] {
        var offsets = [0]
        for scalar in string.unicodeScalars { offsets.append(offsets[offsets.count - 1] + UTF8.width(scalar)) }
        return offsets
    }

    /// The number of code points: Python's `len`.
    var length: Int { string.unicodeScalars.count }

    /// `str.splitlines(keepends)`: `\r\n` is one end, and a line feed at the end begins no empty line.
    func lines(keepingEnds: Bool) -> [ProvenanceText] {
        var result: [ProvenanceText] = []
        var start = 0
        var offset = 0
        var previous: Unicode.Scalar?
        for scalar in string.unicodeScalars {
            let end = offset + UTF8.width(scalar)
            if scalar == "\n", previous == "\r" {
                // The carriage return ended the line; the line feed belongs to that end.
                if keepingEnds, let last = result.popLast() { result.append(slice(start - last.byteCount..<end)) }
                start = end
            } else if scalar.isPythonLineEnd {
                result.append(slice(start..<(keepingEnds ? end : offset)))
                start = end
            }
            previous = scalar
            offset = end
        }
        if start < offset { result.append(slice(start..<offset)) }
        return result
    }
}

extension String.Index {
    /// The byte offset of this index, which lies between two code points, in `string`.
    fileprivate func byteOffset(in string: String) -> Int {
        string.utf8.distance(from: string.utf8.startIndex, to: self)
    }
}

extension Unicode.Scalar {
    /// Whether Python's `str.isspace()` is true and `str.strip()` removes it. More than Unicode's white space: U+001C
    /// to U+001F count.
    var isPythonSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0: true
        case 0...0x7F: false
        default: properties.isWhitespace
        }
    }

    /// Whether Python's `str.splitlines()` ends a line here. Source: `str.splitlines` in Python's library reference.
    var isPythonLineEnd: Bool {
        switch value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }
}
