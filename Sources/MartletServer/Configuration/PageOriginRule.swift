/// Decides whether a web page may send requests that change state, or open a WebSocket.
///
/// Allowed are pages of the origins in `CrossOriginPolicy`, and pages of this server itself: their origin has the host and
/// port of the request. Example: the chat page at `http://192.168.1.5:8080`, opened on a phone.
struct PageOriginRule: Sendable {
    let origins: CrossOriginPolicy
    let hosts: HostPolicy
    /// Whether every request needs a key, which a foreign page does not have.
    let hasKeys: Bool

    /// - Parameters:
    ///   - origin: the request's `Origin`.
    ///   - authority: the request's `Host`.
    func allows(_ origin: String, at authority: String?) -> Bool {
        if origins.allows(origin) { return true }
        guard let authority, let scheme = origin.firstRange(of: "://") else { return false }
        let page = origin[scheme.upperBound...]
        guard page.lowercased() == authority.lowercased(), let host = HostAddress.host(of: authority) else {
            return false
        }
        return hasKeys || hosts.isChecked || !Self.mayBeForeign(host)
    }

    /// Whether a stranger may own the name `host`, and so let it resolve to this machine (DNS rebinding).
    ///
    /// Addresses, names without a dot and names of the local network belong to no stranger.
    private static func mayBeForeign(_ host: String) -> Bool {
        if host.first == "[" || !host.contains(".") || host.hasSuffix(".local") { return false }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return !(parts.count == 4 && parts.allSatisfy { UInt8($0) != nil })
    }
}
