internal import MartletText

/// The values of the `Host` header that the server accepts.
///
/// A web page of any site can let its own name resolve to this machine (DNS rebinding), and the browser then treats the
/// server as part of that site. The `Host` header still has the site's name, which reveals the attack.
struct HostPolicy: Sendable {
    /// Lower-case names without ports; nil = any name.
    private let names: Set<ExactString>?

    /// Whether only known names are accepted.
    var isChecked: Bool { names != nil }

    /// - Parameters:
    ///   - hosts: the hosts on which the server listens, Unix sockets excluded. Other machines reach a public address
    ///     under
    ///     names that the server cannot know, so with one of these nothing is checked unless `allowedHosts` has names.
    ///     No
    ///     browser connects to a Unix socket.
    init(hosts: [String], allowedHosts: [String]) {
        guard !allowedHosts.contains("*"), !hosts.isEmpty,
            hosts.allSatisfy(HostAddress.isLoopback) || !allowedHosts.isEmpty
        else {
            names = nil
            return
        }
        let own = hosts.map { $0.contains(":") && $0.first != "[" ? "[\($0)]" : $0 }
        let all = ["localhost", "127.0.0.1", "[::1]"] + own + allowedHosts
        names = Set(all.map { HostAddress.host(of: $0) ?? $0.lowercased() })
    }

    /// - Parameter authority: the request's `Host`, with or without a port. Every browser sends it, so nil is accepted.
    func allows(_ authority: String?) -> Bool {
        guard let names, let authority else { return true }
        guard let host = HostAddress.host(of: authority) else { return false }
        return names.contains(host)
    }
}
