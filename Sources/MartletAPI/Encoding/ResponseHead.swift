import MartletGenerations
import MartletJSON
import MartletProtocol

// The members of a head on the wire. They are written into prefixes and suffixes once per response and not per event.
extension ResponseHead {
    /// The id of a tool call: the first 96 bits of the generation's id, then the call's number.
    ///
    /// The id is unique, and equal in every view of the generation.
    ///
    /// - Parameter prefix: the beginning of the id in a dialect.
    func callID(_ number: Int, prefix: String = "call_") -> String {
        let random = randomPart
        let digits = String(number, radix: 16)
        let long =
            prefix + String(Substring(random.prefix(24))) + String(repeating: "0", count: max(0, 4 - digits.count))
            + digits
        return hasShortCallIDs ? ShortCallID.short(for: long) : long
    }

    /// The id without the prefix of a dialect, which ends in `-` or `_`.
    private var randomPart: Substring.UTF8View {
        let bytes = id.utf8
        let start = bytes.lastIndex { $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }.map(bytes.index(after:))
        return Substring(id).utf8[(start ?? bytes.startIndex)...]
    }

    /// The id of the output item with this number, such as `rs_…`: the first 96 bits of the generation's id, then the
    /// number.
    func itemID(_ number: Int, prefix: String) -> String {
        let digits = String(number, radix: 16)
        return prefix + String(Substring(randomPart.prefix(24)))
            + String(repeating: "0", count: max(0, 4 - digits.count))
            + digits
    }

    /// Appends the id that `itemID` makes, as a JSON string. Every event of an item has it, so no text is made for it.
    func writeItemID(_ number: Int, prefix: StaticString, to bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "\""))
        JSONText.appendRaw(prefix, to: &bytes)
        JSONText.appendEscaped(randomPart.prefix(24), to: &bytes)
        var width = 4
        while width < 16, number >> (4 * width) != 0 { width += 1 }
        for place in stride(from: width - 1, through: 0, by: -1) {
            let digit = UInt8(truncatingIfNeeded: number >> (4 * place)) & 15
            bytes.append(digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10)
        }
        bytes.append(UInt8(ascii: "\""))
    }

    /// Appends `"created":…,"id":…,"model":…,"system_fingerprint":…,"object":…` without braces, and `"warnings":[…]`
    /// if there are warnings: those of the request, then `others`.
    func write(object: StaticString, warnings others: [String] = [], to bytes: inout [UInt8]) {
        JSONText.appendRaw("\"created\":", to: &bytes)
        JSONText.appendInteger(created, to: &bytes)
        JSONText.appendRaw(",\"id\":", to: &bytes)
        JSONText.appendString(id, to: &bytes)
        JSONText.appendRaw(",\"model\":", to: &bytes)
        JSONText.appendString(model, to: &bytes)
        JSONText.appendRaw(",\"system_fingerprint\":", to: &bytes)
        JSONText.appendString(fingerprint, to: &bytes)
        JSONText.appendRaw(",\"object\":\"", to: &bytes)
        JSONText.appendRaw(object, to: &bytes)
        JSONText.appendRaw("\"", to: &bytes)
        if namesServiceTier { JSONText.appendRaw(",\"service_tier\":\"default\"", to: &bytes) }
        writeWarnings(others, to: &bytes)
    }

    /// Appends `,"warnings":[…]` if there are warnings: those of the request, then `others`, without duplicates.
    /// - Parameter separated: whether the comma comes before the member; otherwise it comes behind.
    func writeWarnings(_ others: [String] = [], separated: Bool = true, to bytes: inout [UInt8]) {
        guard !warnings.isEmpty || !others.isEmpty else { return }
        var unique: [String] = []
        for warning in warnings + others where !unique.contains(warning) { unique.append(warning) }
        JSONText.appendRaw(separated ? ",\"warnings\":" : "\"warnings\":", to: &bytes)
        JSONValue.array(unique.map { .string($0) }).write(to: &bytes)
        if !separated { JSONText.appendRaw(",", to: &bytes) }
    }
}
