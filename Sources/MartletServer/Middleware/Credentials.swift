internal import HTTPTypes
internal import MartletText

/// The API keys that a request shows.
enum Credentials {
    /// All of them, in the order in which they are looked for: of `Authorization: Bearer …`, of `X-Api-Key`, and as
    /// pages can show them that open a WebSocket. A proxy may add credentials of its own, so any that is valid counts.
    static func presented(in fields: HTTPFields) -> [String] {
        (fields[values: .authorization] + fields[values: .apiKey]).map(key)
            + [SocketHandshake.key(in: fields)].compactMap { $0 }
    }

    /// The key of a value: the text behind the scheme, whose case does not matter, and its blanks; without a scheme,
    /// the value.
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
