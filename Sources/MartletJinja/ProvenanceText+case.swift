/// Upper and lower case as Python has them, code point by code point.
extension ProvenanceText {
    func uppercased() -> ProvenanceText {
        if let simple = mapASCII({ $0 >= 0x61 && $0 <= 0x7A ? $0 - 32 : $0 }) { return simple }
        return mapScalars(\.properties.uppercaseMapping)
    }

    func lowercased() -> ProvenanceText {
        if let simple = mapASCII({ $0 >= 0x41 && $0 <= 0x5A ? $0 + 32 : $0 }) { return simple }
        return mapScalars(\.properties.lowercaseMapping)
    }

    /// First code point in title case, the others in lower case.
    func capitalized() -> ProvenanceText {
        var isFirst = true
        return mapScalars { scalar in
            defer { isFirst = false }
            return isFirst ? scalar.properties.titlecaseMapping : scalar.properties.lowercaseMapping
        }
    }

    /// Every cased code point after one without case in title case, the others in lower case.
    func titled(afterOnly starts: ((Unicode.Scalar) -> Bool)? = nil) -> ProvenanceText {
        var previousIsCased = false
        return mapScalars { scalar in
            let result =
                previousIsCased ? scalar.properties.lowercaseMapping : scalar.properties.titlecaseMapping
            previousIsCased = starts.map { !$0(scalar) } ?? scalar.properties.isCased
            return result
        }
    }

    func swappingCase() -> ProvenanceText {
        mapScalars { scalar in
            if scalar.properties.isUppercase { return scalar.properties.lowercaseMapping }
            if scalar.properties.isLowercase { return scalar.properties.uppercaseMapping }
            return String(scalar)
        }
    }

    /// The text with every byte mapped, or `nil` when it is not ASCII throughout. Keeps all offsets.
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
