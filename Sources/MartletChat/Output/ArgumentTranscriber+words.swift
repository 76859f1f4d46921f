/// Numbers and words. The grammar of numbers is that of JSON (RFC 8259); words may be Python's.
extension ArgumentTranscriber {
    /// Consumes a byte of a number, or ends the number in front of it.
    mutating func consumeNumber(_ byte: UInt8, _ number: NumberState, _ output: inout [UInt8]) -> Step {
        let isDigit = (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
        let next: NumberState? =
            switch (number, byte) {
            case (.minus, UInt8(ascii: "0")): .zero
            case (.minus, _) where isDigit: .integer
            case (.integer, _) where isDigit: .integer
            case (.zero, UInt8(ascii: ".")), (.integer, UInt8(ascii: ".")): .point
            case (.point, _) where isDigit, (.fraction, _) where isDigit: .fraction
            case (.zero, UInt8(ascii: "e")), (.integer, UInt8(ascii: "e")), (.fraction, UInt8(ascii: "e")): .exponent
            case (.zero, UInt8(ascii: "E")), (.integer, UInt8(ascii: "E")), (.fraction, UInt8(ascii: "E")): .exponent
            case (.exponent, UInt8(ascii: "+")), (.exponent, UInt8(ascii: "-")): .exponentSign
            case (.exponent, _) where isDigit, (.exponentSign, _) where isDigit: .exponentDigits
            case (.exponentDigits, _) where isDigit: .exponentDigits
            default: nil
            }
        if let next {
            output.append(byte)
            state = .number(next)
            return .more
        }
        guard number.isComplete, !isDigit, !Self.isLetter(byte) else { return .failed }
        return endValue(before: byte, &output)
    }

    /// Consumes a byte of a word, or ends the word in front of it.
    mutating func consumeWord(_ byte: UInt8, _ word: [UInt8], _ output: inout [UInt8]) -> Step {
        if Self.isLetter(byte) {
            guard word.count < Self.maximumWord else { return .failed }
            state = .word(word + [byte])
            return .more
        }
        guard writeWord(word, &output) else { return .failed }
        return endValue(before: byte, &output)
    }

    /// Appends a word as JSON: `True` becomes `true`, `None` becomes `null`. False for any other word.
    func writeWord(_ word: [UInt8], _ output: inout [UInt8]) -> Bool {
        let isLoose = dialect != .json
        switch String(decoding: word, as: UTF8.self) {
        case "true": output.append(contentsOf: "true".utf8)
        case "false": output.append(contentsOf: "false".utf8)
        case "null": output.append(contentsOf: "null".utf8)
        case "True" where isLoose: output.append(contentsOf: "true".utf8)
        case "False" where isLoose: output.append(contentsOf: "false".utf8)
        case "None" where isLoose: output.append(contentsOf: "null".utf8)
        default: return false
        }
        return true
    }

    /// Ends a number or a word. Only the byte behind it shows that it is complete, so that byte is consumed again.
    mutating func endValue(before byte: UInt8, _ output: inout [UInt8]) -> Step {
        if case .done = endValue() { return .done(isConsumed: false) }
        return consume(byte, into: &output)
    }
}
