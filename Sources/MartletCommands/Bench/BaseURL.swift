/// Where a server is: scheme, host, port, and what comes before its routes.
struct BaseURL: Sendable, Equatable, CustomStringConvertible {
    let usesTLS: Bool
    let host: String
    let port: Int
    /// Begins with a slash, or is empty.
    let prefix: String

    /// - Parameter text: Such as `http://127.0.0.1:8080`. A `/v1` at its end, as many clients want it, is left out.
    /// - Returns: `nil` when it is no URL of a server.
    init?(_ text: String) {
        let schemes = [("http://", false), ("https://", true)]
        guard let (scheme, usesTLS) = schemes.first(where: { text.lowercased().hasPrefix($0.0) }) else { return nil }
        self.usesTLS = usesTLS
        let rest = text.dropFirst(scheme.count)
        let authority = rest.prefix { $0 != "/" }
        var path = String(rest.dropFirst(authority.count))
        while path.hasSuffix("/") { path.removeLast() }
        prefix = path.hasSuffix("/v1") ? String(path.dropLast(3)) : path
        let isBracketed = authority.hasPrefix("[")
        let hostEnd = isBracketed ? authority.firstIndex(of: "]") : authority.lastIndex(of: ":") ?? authority.endIndex
        guard let hostEnd else { return nil }
        host = String(authority[..<hostEnd].drop { $0 == "[" })
        let tail = authority[hostEnd...].drop { $0 == "]" }
        guard !host.isEmpty, tail.isEmpty || tail.hasPrefix(":") else { return nil }
        let port = tail.isEmpty ? (usesTLS ? 443 : 80) : Int(tail.dropFirst())
        guard let port, (1...65_535).contains(port) else { return nil }
        self.port = port
    }

    /// As a `Host` header has it.
    var authority: String { (host.contains(":") ? "[\(host)]" : host) + ":\(port)" }

    /// What a TLS client may ask for by name: an address is no name.
    var serverName: String? {
        host.contains(":") || host.allSatisfy { $0.isNumber || $0 == "." } ? nil : host
    }

    var description: String { "\(usesTLS ? "https" : "http")://\(authority)\(prefix)" }
}
