/// Upper and lower case as in Python: per code point, without a locale.
///
/// `"straße".upper()` is `STRASSE`: a mapping may have several code points. All of them have the provenance of the
/// first. Swift's `String.uppercased()` is not used: it has no offsets, so provenance could not follow.
extension ProvenanceText {
    /// `str.upper()`.
    func uppercased() -> ProvenanceText {
        if let simple = mapASCII({ $0 >= 0x61 && $0 <= 0x7A ? $0 - 32 : $0 }) { return simple }
        return mapScalars(\.properties.uppercaseMapping)
    }

    /// `str.lower()`. A final sigma becomes σ and not ς, unlike in Python, as the rule needs the word around it.
    func lowercased() -> ProvenanceText {
        if let simple = mapASCII({ $0 >= 0x41 && $0 <= 0x5A ? $0 + 32 : $0 }) { return simple }
        return mapScalars(\.properties.lowercaseMapping)
    }

    /// `str.capitalize()`: the first code point in title case, the others in lower case.
    func capitalized() -> ProvenanceText {
        var isFirst = true
        return mapScalars { scalar in
            defer { isFirst = false }
            return isFirst ? scalar.properties.titlecaseMapping : scalar.properties.lowercaseMapping
        }
    }

    /// `str.title()`: each cased code point behind one without case is in title case, the others are in lower case.
    ///
    ///     "it's ok".title()   "It'S Ok"        "it's ok" | title   "It's Ok"
    /// - Parameter starts: for Jinja's filter, which begins words only behind white space and opening brackets, and maps
    ///   their first code point to upper case: `"ßa" | title` is `SSa`.
    func titled(afterOnly starts: ((Unicode.Scalar) -> Bool)? = nil) -> ProvenanceText {
        var previousIsCased = false
        return mapScalars { scalar in
            let result =
                previousIsCased
                ? scalar.properties.lowercaseMapping
                : starts == nil ? scalar.properties.titlecaseMapping : scalar.properties.uppercaseMapping
            previousIsCased = starts.map { !$0(scalar) } ?? scalar.properties.isCased
            return result
        }
    }

    /// `str.swapcase()`.
    func swappingCase() -> ProvenanceText {
        mapScalars { scalar in
            if scalar.properties.isUppercase { return scalar.properties.lowercaseMapping }
            if scalar.properties.isLowercase { return scalar.properties.uppercaseMapping }
            return String(scalar)
        }
    }

    /// The text with each byte mapped; nil unless all bytes are ASCII. Fast, and offsets of provenance stay as they
    /// are.
    private func mapASCII(_ transform: (UInt8) -> UInt8) -> ProvenanceText? {
        guard string.utf8.allSatisfy({ $0 < 0x80 }) else { return nil }
        let mapped = String(unsafeUninitializedCapacity: byteCount) { buffer in
            var count = 0
            for byte in string.utf8 {
                buffer[count] = transform(byte)
                count += 1
            }
            return count
        }
        return replacingString(by: mapped)
    }
}
