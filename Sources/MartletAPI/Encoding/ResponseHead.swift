import MartletJSON
import MartletProtocol

/// The members that all chunks of one response share, fixed at admission.
package struct ResponseHead: Sendable, Equatable {
    /// The id with the prefix of its dialect, such as `chatcmpl-…`.
    package var id: String
    /// Seconds since 1970.
    package var created: Int
    /// The name by which the server calls the model, whatever name the request has.
    package var model: String
    /// `system_fingerprint`: the build of the server.
    package var fingerprint: String
    /// Differences from the request, such as an ignored keyword of a schema; one sentence each.
    package var warnings: [String]
    /// Whether ids of tool calls have nine characters, as the templates of some models demand.
    package var hasShortCallIDs: Bool
    /// The end-of-generation tokens of the model, as far as they are known at admission.
    package var endTokens: [Int32]

    package init(
        id: String, created: Int, model: String, fingerprint: String, warnings: [String] = [],
        hasShortCallIDs: Bool = false, endTokens: [Int32] = []
    ) {
        self.id = id
        self.created = created
        self.model = model
        self.fingerprint = fingerprint
        self.warnings = warnings
        self.hasShortCallIDs = hasShortCallIDs
        self.endTokens = endTokens
    }

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
