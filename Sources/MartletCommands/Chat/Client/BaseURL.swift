/// The address of a server: scheme, host, port, and the path before its routes.
///
/// Example: `https://[::1]:8443/llm/v1` has the host `::1`, the port 8443 and the prefix `/llm`.
struct BaseURL: Sendable, Equatable, CustomStringConvertible {
    /// Whether the scheme is `https`.
    let usesTLS: Bool
    /// A name or an address. An IPv6 address has no brackets here.
    let host: String
    /// From 1 to 65535.
    let port: Int
    /// The path before the routes. It begins with a slash, or is empty.
    let prefix: String

    /// The port of Martlet and of llama-server, for an address without scheme and port.
    private static let usualPort = 8080

    /// Reads a URL, e.g. `http://127.0.0.1:8080`, or an address without a scheme, e.g. `localhost:8080`.
    ///
    /// A `/v1` at the end, which many clients require, is removed. Without a port the scheme decides: 80 or 443, and 8080
    /// without a scheme.
    /// - Returns: `nil` if the scheme is not HTTP, the host is empty, has a blank, or is an IPv6 address without brackets,
    ///   or the port is not from 1 to 65535.
    init?(_ text: String) {
        let schemes = [("http://", false), ("https://", true)]
        let found = schemes.first { text.lowercased().hasPrefix($0.0) }
        // Another scheme is an error, not the name of a host.
        if found == nil, text.contains("://") { return nil }
        let (scheme, usesTLS) = found ?? ("", false)
        self.usesTLS = usesTLS
        let rest = text.dropFirst(scheme.count)
        guard !rest.contains(where: \.isWhitespace) else { return nil }
        let authority = rest.prefix { $0 != "/" }
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        if path.hasSuffix("/v1") { path.removeLast(3) }
        while path.hasSuffix("/") { path.removeLast() }
        prefix = path
        let isBracketed = authority.hasPrefix("[")
        let hostEnd = isBracketed ? authority.firstIndex(of: "]") : authority.lastIndex(of: ":") ?? authority.endIndex
        guard let hostEnd else { return nil }
        host = String(authority[..<hostEnd].dropFirst(isBracketed ? 1 : 0))
        let tail = authority[hostEnd...].dropFirst(isBracketed ? 1 : 0)
        // A colon outside of brackets is before the port, so `::1:80` would have two meanings.
        guard !host.isEmpty, isBracketed || !host.contains(":"), !host.contains("["),
            tail.isEmpty || tail.hasPrefix(":")
        else { return nil }
        let usual = found == nil ? Self.usualPort : usesTLS ? 443 : 80
        let port = tail.isEmpty ? usual : Int(tail.dropFirst())
        guard let port, (1...65_535).contains(port) else { return nil }
        self.port = port
    }

    /// Host and port in the spelling of a `Host` header: an IPv6 address is in brackets.
    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// The name for TLS server name indication; `nil` for an IP address, which the extension does not allow.
    var serverName: String? {
        host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." } ? nil : host
    }

    /// The URL without `/v1` and without a slash at the end.
    var description: String { "\(usesTLS ? "https" : "http")://\(authority)\(prefix)" }
}
