/// Plain validators of formats, written from their specifications without expressions or automata.
enum FormatModels {
    private static func areDigits(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { 0x30...0x39 ~= $0 }
    }

    private static func isAlphanumeric(_ character: Character) -> Bool {
        character.isASCII && (character.isLetter || character.isNumber)
    }

    private static func isHexadecimal(_ character: Character) -> Bool { character.isASCII && character.isHexDigit }

    /// RFC 3339, section 5.7.
    static func isDate(year: Int, month: Int, day: Int) -> Bool {
        let isLeap = year.isMultiple(of: 4) && !year.isMultiple(of: 100) || year.isMultiple(of: 400)
        let days = [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
        return 1...9_999 ~= year && 1...12 ~= month && 1...days[max(0, min(11, month - 1))] ~= day
    }

    /// Four numbers up to 255 without leading zeros.
    static func isIPv4(_ text: some StringProtocol) -> Bool {
        let parts = text.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts.allSatisfy { part in UInt8(part).map { "\($0)" == part } ?? false }
    }

    /// RFC 4291, section 2.2: eight groups, of which one sequence may be `::`, and the last two an IPv4 address.
    static func isIPv6(_ text: some StringProtocol) -> Bool {
        func groups(_ part: some StringProtocol, isLast: Bool) -> Int? {
            if part.isEmpty { return 0 }
            var parts = part.split(separator: ":", omittingEmptySubsequences: false).map { String($0) }
            var count = 0
            if isLast, let last = parts.last, isIPv4(last) {
                parts.removeLast()
                count = 2
            }
            let isValid = parts.allSatisfy { 1...4 ~= $0.count && $0.allSatisfy(isHexadecimal) }
            return isValid ? count + parts.count : nil
        }
        let text = String(text)
        guard let gap = text.firstRange(of: "::") else { return groups(text, isLast: true) == 8 }
        guard let front = groups(text[..<gap.lowerBound], isLast: false),
            let back = groups(text[gap.upperBound...], isLast: true)
        else { return false }
        return front + back <= 7
    }

    /// RFC 1123, section 2.1.
    static func isHostname(_ text: some StringProtocol) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        return text.utf8.count <= 253
            && labels.allSatisfy { label in
                1...63 ~= label.count && label.first != "-" && label.last != "-"
                    && label.allSatisfy { isAlphanumeric($0) || $0 == "-" }
            }
    }

    /// RFC 5321, section 4.1.2, with names that need no quotes.
    static func isEmail(_ text: String) -> Bool {
        let parts = text.split(separator: "@", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count <= 64, text.utf8.count <= 254 else { return false }
        let atoms = parts[0].split(separator: ".", omittingEmptySubsequences: false)
        return isHostname(parts[1])
            && atoms.allSatisfy { atom in
                !atom.isEmpty && atom.allSatisfy { isAlphanumeric($0) || "!#$%&'*+/=?^_`{|}~-".contains($0) }
            }
    }

    /// RFC 3339, appendix A: units without a gap, weeks alone.
    static func isDuration(_ text: String) -> Bool {
        guard text.first == "P" else { return false }
        let halves = text.dropFirst().split(separator: "T", omittingEmptySubsequences: false)
        /// The units of numbers such as `1Y2M`; `nil` if a number or a unit is missing.
        func units(_ half: Substring) -> String? {
            var (units, digits) = ("", "")
            for character in half {
                if character.isNumber {
                    digits.append(character)
                } else {
                    guard 1...9 ~= digits.count else { return nil }
                    units.append(character)
                    digits = ""
                }
            }
            return digits.isEmpty ? units : nil
        }
        guard halves.count <= 2, let days = units(halves[0]) else { return false }
        if halves.count == 1 { return !days.isEmpty && (days == "W" || "YMD".contains(days)) }
        guard let time = units(halves[1]), !time.isEmpty else { return false }
        return "HMS".contains(time) && (days.isEmpty || "YMD".contains(days))
    }

    /// RFC 6901, section 3.
    static func isPointer(_ text: some StringProtocol) -> Bool {
        (text.isEmpty || text.first == "/")
            && text.split(separator: "~", omittingEmptySubsequences: false).dropFirst().allSatisfy {
                $0.first == "0" || $0.first == "1"
            }
    }

    /// The draft of relative pointers: a number without leading zeros, then `#` or a pointer.
    static func isRelativePointer(_ text: String) -> Bool {
        let number = text.prefix { $0.isNumber }
        let rest = text[number.endIndex...]
        return areDigits(number) && number.count <= 9 && (number == "0" || number.first != "0")
            && (rest == "#" || isPointer(rest))
    }

    /// RFC 4648, section 4.
    static func isBase64(_ text: String) -> Bool {
        let data = text.prefix { $0 != "=" }
        return text.count.isMultiple(of: 4) && text.count - data.count <= 2
            && text[data.endIndex...].allSatisfy { $0 == "=" }
            && data.allSatisfy { isAlphanumeric($0) || $0 == "+" || $0 == "/" }
    }

    /// RFC 3986, section 3 (a URI), or 4.1 (a URI or a relative reference).
    static func isURI(_ text: String, mayBeRelative: Bool) -> Bool {
        func isText(_ part: Substring, with more: String) -> Bool {
            var rest = part
            while let character = rest.popFirst() {
                if character == "%" {
                    guard rest.prefix(2).count == 2, rest.prefix(2).allSatisfy(isHexadecimal) else { return false }
                    rest = rest.dropFirst(2)
                } else if !isAlphanumeric(character), !("-._~!$&'()*+,;=" + more).contains(character) {
                    return false
                }
            }
            return true
        }
        /// The text in front of the first `mark`, and the text behind it.
        func cut(_ text: Substring, at mark: Character) -> (Substring, Substring?) {
            guard let index = text.firstIndex(of: mark) else { return (text, nil) }
            return (text[..<index], text[text.index(after: index)...])
        }
        let (front, fragment) = cut(text[...], at: "#")
        let (hierarchy, query) = cut(front, at: "?")
        guard isText(fragment ?? "", with: ":@/?"), isText(query ?? "", with: ":@/?") else { return false }
        var rest = hierarchy
        let (scheme, behind) = cut(hierarchy, at: ":")
        let isScheme =
            scheme.first.map { isAlphanumeric($0) && $0.isLetter } ?? false
            && scheme.allSatisfy { isAlphanumeric($0) || "+-.".contains($0) }
        if let behind, isScheme {
            rest = behind
        } else if !mayBeRelative || cut(hierarchy, at: "/").0.contains(":") {
            return false
        }
        guard rest.hasPrefix("//") else { return isText(rest, with: ":@/") }
        let authority = rest.dropFirst(2).prefix { $0 != "/" }
        guard isText(rest[authority.endIndex...], with: ":@/") else { return false }
        let (first, second) = cut(authority, at: "@")
        if second != nil, !isText(first, with: ":") { return false }
        let host = second ?? first
        if host.first == "[" {
            let (address, port) = cut(host.dropFirst(), at: "]")
            guard let port, isIPv6(address) else { return false }
            return port.isEmpty || port == ":" || port.first == ":" && areDigits(port.dropFirst())
        }
        let (name, port) = cut(host, at: ":")
        return isText(name, with: "") && (port ?? "").utf8.allSatisfy { 0x30...0x39 ~= $0 }
    }
}
