internal import HTTPTypes
internal import MartletText

/// Reads the API keys of a request.
enum Credentials {
    /// All keys, in the order in which they are tried: of `Authorization: Bearer …`, of `X-Api-Key`, and of the
    /// subprotocols
    /// that pages use for WebSockets. A proxy may add its own credentials, so one valid key is enough.
    static func presented(in fields: HTTPFields) -> [String] {
        (fields[values: .authorization] + fields[values: .apiKey]).map(key)
            + [SocketHandshake.key(in: fields)].compactMap { $0 }
    }

    /// The key of a header's value: the text after the scheme `Bearer`, in any case, and blanks; the whole value
    /// without a
    /// scheme.
    private static func key(_ value: String) -> String {
        let scheme = "bearer"
        let bytes = value.utf8
        guard bytes.prefix(scheme.utf8.count).elementsEqual(scheme.utf8, by: { $0 | 0x20 == $1 }) else { return value }
        let rest = bytes.dropFirst(scheme.utf8.count)
        guard let first = rest.first, isBlank(first) else { return value }
        return String(Substring(rest.drop(while: isBlank)))
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
