/// The position of a request in a distributed trace: the header `traceparent` of W3C Trace Context.
struct TraceContext: Equatable, Sendable {
    /// 32 lower-case hexadecimal digits, not all zero.
    let traceID: String
    /// 16 lower-case hexadecimal digits, not all zero.
    let parentID: String
    /// Two hexadecimal digits; bit 0 = sampled.
    let flags: String

    /// - Returns: nil if the header is missing or breaks a rule of the format. The format demands that it is ignored
    ///   then.
    init?(_ header: String?) {
        guard let header, header.utf8.count <= 256 else { return nil }
        let parts = header.split(separator: "-", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count >= 4, Self.isHex(parts[0], 2), parts[0] != "ff", parts.count == 4 || parts[0] != "00",
            Self.isHex(parts[1], 32), Self.isHex(parts[2], 16), Self.isHex(parts[3], 2),
            !parts[1].allSatisfy({ $0 == "0" }), !parts[2].allSatisfy({ $0 == "0" })
        else { return nil }
        (traceID, parentID, flags) = (parts[1], parts[2], parts[3])
    }

    private init(traceID: String, parentID: String, flags: String) {
        (self.traceID, self.parentID, self.flags) = (traceID, parentID, flags)
    }

    /// The context of this server's step in the trace.
    func child(id: UInt64 = .random(in: 1 ... .max)) -> TraceContext {
        let text = String(id, radix: 16)
        return TraceContext(
            traceID: traceID, parentID: String(repeating: "0", count: 16 - text.count) + text, flags: flags)
    }

    /// The header's value in version 00.
    var header: String { "00-\(traceID)-\(parentID)-\(flags)" }

    private static func isHex(_ text: String, _ count: Int) -> Bool {
        text.utf8.count == count
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}
