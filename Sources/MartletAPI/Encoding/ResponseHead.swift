import MartletGenerations
import MartletJSON
import MartletProtocol

// The members of a head on the wire. They are written into prefixes and suffixes once per response and not per event.
extension ResponseHead {
    /// The id of a tool call: the first 96 bits of the generation's id, then the call's number.
    ///
    /// The id is unique, and equal in every view of the generation.
    func callID(_ number: Int) -> String {
        let random = id.utf8.split(separator: UInt8(ascii: "-")).last ?? id.utf8[...]
        let digits = String(number, radix: 16)
        let long =
            "call_" + String(Substring(random.prefix(24))) + String(repeating: "0", count: max(0, 4 - digits.count))
            + digits
        return hasShortCallIDs ? ShortCallID.short(for: long) : long
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
        writeWarnings(others, to: &bytes)
    }

    /// Appends `,"warnings":[…]` if there are warnings: those of the request, then `others`, without duplicates.
    func writeWarnings(_ others: [String] = [], to bytes: inout [UInt8]) {
        guard !warnings.isEmpty || !others.isEmpty else { return }
        var unique: [String] = []
        for warning in warnings + others where !unique.contains(warning) { unique.append(warning) }
        JSONText.appendRaw(",\"warnings\":", to: &bytes)
        JSONValue.array(unique.map { .string($0) }).write(to: &bytes)
    }
}
