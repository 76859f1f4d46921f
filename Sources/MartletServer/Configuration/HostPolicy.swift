internal import MartletText

/// Under which names the server may be addressed.
///
/// A web page of any site can let its own name point to this machine (DNS rebinding); the browser then takes the server
/// for a part of that site. What it sends as `Host` is still the site's name, and so gives it away.
struct HostPolicy: Sendable {
    /// In lower case, without ports. `nil` = any.
    private let names: Set<ExactString>?

    /// - Parameters:
    ///   - hosts: where the server listens, Unix sockets aside. When others reach one, they do so under names that the
    ///     server cannot know, so nothing is checked unless `allowedHosts` names some. No browser comes through a Unix
    ///     socket.
    ///   - allowedHosts: further names; `*` = any.
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

    /// - Parameter authority: what the request says, with or without a port. No browser sends none.
    func allows(_ authority: String?) -> Bool {
        guard let names, let authority else { return true }
        guard let host = HostAddress.host(of: authority) else { return false }
        return names.contains(host)
    }
}
