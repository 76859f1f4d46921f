internal import MartletPlatform

/// The syntax of hosts in URLs, in the `Host` header and in `--host`.
enum HostAddress {
    /// Whether a server that listens on `host` is reachable from this machine only.
    static func isLoopback(_ host: some StringProtocol) -> Bool {
        var host = host.lowercased()
        if host.first == "[", host.last == "]" { host = String(host.dropFirst().dropLast()) }
        if host == "localhost" || host.hasSuffix(".localhost") { return true }
        if let bytes = bytes(ofIPv6: host) {
            let isMapped = bytes[..<12] == [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]
            return bytes == Array(repeating: 0, count: 15) + [1] || isMapped && bytes[12] == 127
        }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127" && parts.allSatisfy { isDecimal($0) && UInt8($0) != nil }
    }

    /// Whether `text` is an IPv6 address, without brackets, with or without a zone.
    static func isIPv6(_ text: String) -> Bool { bytes(ofIPv6: text) != nil }

    /// The 16 bytes of an IPv6 address; nil for other text. A zone is ignored.
    private static func bytes(ofIPv6 text: String) -> [UInt8]? {
        var address = in6_addr()
        guard inet_pton(AF_INET6, String(text.prefix { $0 != "%" }), &address) == 1 else { return nil }
        return withUnsafeBytes(of: &address) { Array($0) }
    }

    /// The host of `authority`, in lower case and without the port.
    /// - Returns: nil if `authority` is not a host with an optional port.
    static func host(of authority: some StringProtocol) -> String? {
        let end: String.Index
        if authority.first == "[" {
            guard let bracket = authority.firstIndex(of: "]") else { return nil }
            end = authority.index(after: bracket)
        } else {
            end = authority.firstIndex(of: ":") ?? authority.endIndex
        }
        guard isPort(authority[end...]), end > authority.startIndex else { return nil }
        return authority[..<end].lowercased()
    }

    /// Whether `text` is empty, or a colon and digits.
    private static func isPort(_ text: some StringProtocol) -> Bool {
        text.isEmpty || text.first == ":" && isDecimal(text.dropFirst())
    }

    private static func isDecimal(_ text: some StringProtocol) -> Bool {
        !text.isEmpty && text.utf8.allSatisfy { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
    }
}
