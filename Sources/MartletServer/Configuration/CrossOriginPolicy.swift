internal import MartletText

/// The web pages whose scripts may use the server (CORS). Names and meanings are those of llama-server's `--cors-*`
/// flags.
package struct CrossOriginPolicy: Sendable, Equatable {
    /// The allowed origins.
    package enum Origins: Sendable, Equatable {
        /// Pages of any site.
        case any
        /// Pages of this machine: host `localhost`, `127.0.0.1` or `[::1]`, any scheme and port.
        case localhost
        /// This text, which responses repeat unchanged.
        case literal(String)
    }
    /// The value of `--cors-origins`. Default: pages of this machine.
    package var origins = Origins.localhost
    /// `Access-Control-Allow-Methods`.
    package var methods = "GET, POST, DELETE, OPTIONS"
    /// `Access-Control-Allow-Headers`.
    package var headers = "*, Authorization"
    /// Whether a page may send cookies and HTTP authentication.
    package var allowsCredentials = true
    /// Whether an operator set one of these values. Then every preflight gets all of them, as at llama-server, and not
    /// only
    /// a preflight of an allowed page. Default: no.
    package var isExplicit = false

    package init() {}

    /// The value of `Access-Control-Allow-Origin` for a request of a page of `origin`.
    /// - Returns: nil if the page is not allowed.
    func allowedOrigin(for origin: String?) -> String? {
        switch origins {
        // Browsers refuse `*` for requests with credentials.
        case .any: allowsCredentials ? origin ?? "*" : "*"
        case .localhost: origin.flatMap { Self.isLocal($0) ? $0 : nil }
        case .literal(let text): text
        }
    }

    /// Whether pages of `origin` may send requests that change state.
    func allows(_ origin: String) -> Bool {
        switch origins {
        case .any: true
        case .localhost: Self.isLocal(origin)
        case .literal(let text): text == "*" || text.hasSameBytes(as: origin)
        }
    }

    /// Whether an origin is a page of this machine.
    private static func isLocal(_ origin: String) -> Bool {
        guard let scheme = origin.firstRange(of: "://") else { return false }
        let host = HostAddress.host(of: origin[scheme.upperBound...])
        return ["localhost", "127.0.0.1", "[::1]"].contains(host)
    }
}
