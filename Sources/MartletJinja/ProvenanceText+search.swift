/// Searching, cutting and replacing, by byte offsets inside and by code points towards the template.
extension ProvenanceText {
    /// Byte offsets of `needle`, left to right without overlap, at most `limit`. An empty needle is found nowhere.
    package func occurrences(of needle: ProvenanceText, limit: Int = .max) -> [Int] {
        if needle.byteCount > byteCount { return [] }
        let search = ByteSearch(Array(needle.string.utf8))
        var haystack = string
        return haystack.withUTF8 { search.offsets(in: $0, limit: limit) }
    }

    func contains(_ needle: ProvenanceText) -> Bool {
        needle.isEmpty || !occurrences(of: needle, limit: 1).isEmpty
    }

    func hasPrefix(_ prefix: ProvenanceText) -> Bool { string.utf8.starts(with: prefix.string.utf8) }

    package func hasSuffix(_ suffix: ProvenanceText) -> Bool {
        byteCount >= suffix.byteCount && string.utf8.suffix(suffix.byteCount).elementsEqual(suffix.string.utf8)
    }

    /// Without the code points at its ends for which `isRemoved` holds; white space as Python sees it by default.
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

    /// The parts between the occurrences of `separator`, cut at most `limit` times from the left or from the right.
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

    /// Like `occurrences`, but found from the right; in rising order.
    private func rightmostOccurrences(of needle: ProvenanceText, limit: Int) -> [Int] {
        // A match from the right is a match of the reversed texts from the left.
        let haystack = Array(string.utf8.reversed())
        let search = ByteSearch(needle.string.utf8.reversed())
        let found = haystack.withUnsafeBufferPointer { search.offsets(in: $0, limit: limit) }
        return found.reversed().map { byteCount - $0 - needle.byteCount }
    }

    /// The words between runs of white space, cut at most `limit` times from the left.
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

    /// With `needle` replaced at most `limit` times from the left. An empty needle is found between all code points.
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

    /// Byte offsets of the code points, and of the end.
    var scalarOffsets: [Int] {
        var offsets = [0]
        for scalar in string.unicodeScalars { offsets.append(offsets[offsets.count - 1] + UTF8.width(scalar)) }
        return offsets
    }

    /// Number of code points.
    var length: Int { string.unicodeScalars.count }

    /// The lines, at any of Python's line ends.
    func lines(keepingEnds: Bool) -> [ProvenanceText] {
        var result: [ProvenanceText] = []
        var start = 0
        var offset = 0
        var previous: Unicode.Scalar?
        for scalar in string.unicodeScalars {
            let end = offset + UTF8.width(scalar)
            if scalar == "\n", previous == "\r" {
                // The line was ended by the carriage return; the line feed belongs to that end.
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
    /// Byte offset of this index, which lies between code points, in `string`.
    fileprivate func byteOffset(in string: String) -> Int {
        string.utf8.distance(from: string.utf8.startIndex, to: self)
    }
}

extension Unicode.Scalar {
    /// What `str.isspace` and `str.strip` of Python take for white space.
    var isPythonSpace: Bool {
        switch value {
        case 0x09...0x0D, 0x1C...0x20, 0x85, 0xA0: true
        case 0...0x7F: false
        default: properties.isWhitespace
        }
    }

    /// What `str.splitlines` of Python takes for the end of a line.
    var isPythonLineEnd: Bool {
        switch value {
        case 0x0A...0x0D, 0x1C...0x1E, 0x85, 0x2028, 0x2029: true
        default: false
        }
    }
}
