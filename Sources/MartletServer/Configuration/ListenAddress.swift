internal import HummingbirdCore

/// An address on which a server listens, as `--host` spells it.
package struct ListenAddress: Sendable, Equatable {
    /// A host or a Unix socket.
    package enum Endpoint: Sendable, Equatable {
        /// An address or a name of this machine, without brackets.
        case host(String)
        /// The path of a Unix socket, which ends in `.sock`.
        case socket(path: String)
    }

    package var endpoint: Endpoint
    /// The port in the text; nil = the server's port.
    package var port: Int?

    /// The default: IPv4 loopback.
    package static let loopback = ListenAddress(endpoint: .host("127.0.0.1"))

    /// The rule of `--host` for error messages.
    package static let rule =
        "an address of this machine such as 127.0.0.1 or [::1], a name such as localhost, or a path that ends in .sock"

    init(endpoint: Endpoint, port: Int? = nil) {
        self.endpoint = endpoint
        self.port = port
    }

    /// Parses an address with or without brackets, a name, a port after either, or the path of a socket.
    ///
    /// A URL is refused: its scheme would contradict other settings, such as HTTPS.
    /// - Returns: nil for other text.
    package init?(_ text: String) {
        guard !Self.isURL(text) else { return nil }
        if text.hasSuffix(".sock") {
            endpoint = .socket(path: text)
            return
        }
        guard let (host, port) = Self.parts(of: text[...]) else { return nil }
        self.port = port
        endpoint = .host(host == "*" ? "0.0.0.0" : host)
    }

    /// Whether `text` begins with a scheme, as a URL does.
    package static func isURL(_ text: String) -> Bool { text.contains("://") }

    /// The address, name or path, without brackets and port.
    package var name: String {
        switch endpoint {
        case .host(let host): host
        case .socket(let path): path
        }
    }

    /// The framework's form of the address.
    func bindAddress(port: Int) -> BindAddress {
        switch endpoint {
        case .host(let host): .hostname(host, port: port)
        case .socket(let path): .unixDomainSocket(path: path)
        }
    }

    /// The path of a Unix socket; nil for a host.
    package var socketPath: String? { if case .socket(let path) = endpoint { path } else { nil } }

    /// The text for messages and URLs: an IPv6 address has brackets.
    package var description: String {
        switch endpoint {
        case .host(let host): host.contains(":") ? "[\(host)]" : host
        case .socket(let path): path
        }
    }

    /// Whether the address is reachable from this machine only. File permissions control the access to a Unix socket.
    package var isLocal: Bool {
        switch endpoint {
        case .host(let host): HostAddress.isLoopback(host)
        case .socket: true
        }
    }

    /// Splits a host and its port.
    private static func parts(of text: Substring) -> (host: String, port: Int?)? {
        if text.first == "[" {
            guard let bracket = text.firstIndex(of: "]"), let port = port(text[text.index(after: bracket)...]) else {
                return nil
            }
            let host = String(text[text.index(after: text.startIndex)..<bracket])
            return HostAddress.isIPv6(host) ? (host, port.number) : nil
        }
        if HostAddress.isIPv6(String(text)) { return (String(text), nil) }
        let end = text.firstIndex(of: ":") ?? text.endIndex
        guard let port = port(text[end...]) else { return nil }
        let host = String(text[..<end])
        return host == "*" || isName(host) ? (host, port.number) : nil
    }

    /// Parses nothing, or a colon and a number.
    private static func port(_ text: Substring) -> (number: Int?, Void)? {
        if text.isEmpty { return (nil, ()) }
        guard text.first == ":", let number = UInt16(text.dropFirst()) else { return nil }
        return (Int(number), ())
    }

    /// Whether the text is an IPv4 address, or a valid host name. A text of numbers and dots must be an address.
    private static func isName(_ text: String) -> Bool {
        let labels = text.split(separator: ".", omittingEmptySubsequences: false)
        guard !text.isEmpty, text.utf8.count <= 253 else { return false }
        if labels.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }) {
            return labels.count == 4 && labels.allSatisfy { UInt8($0) != nil }
        }
        return labels.allSatisfy { label in
            !label.isEmpty && label.utf8.count <= 63 && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy {
                    (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) || $0 == 0x2D || $0 == 0x5F
                }
        }
    }
}
