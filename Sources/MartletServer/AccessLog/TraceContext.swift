/// The place of a request in a trace that spans services: the header `traceparent` as W3C Trace Context defines it.
struct TraceContext: Equatable, Sendable {
    /// 32 lower-case hexadecimal digits, not all zero.
    let traceID: String
    /// 16 lower-case hexadecimal digits, not all zero.
    let parentID: String
    /// Two hexadecimal digits.
    let flags: String

    /// - Returns: `nil` for a header that breaks a rule of the format; it then counts as absent.
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

    /// This server's own step in the trace.
    func child(id: UInt64 = .random(in: 1 ... .max)) -> TraceContext {
        let text = String(id, radix: 16)
        return TraceContext(
            traceID: traceID, parentID: String(repeating: "0", count: 16 - text.count) + text, flags: flags)
    }

    var header: String { "00-\(traceID)-\(parentID)-\(flags)" }

    private static func isHex(_ text: String, _ count: Int) -> Bool {
        text.utf8.count == count
            && text.utf8.allSatisfy {
                (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0)
                    || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains($0)
            }
    }
}
