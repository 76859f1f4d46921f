internal import MartletText

/// Which web pages' scripts may read responses. Names and meaning are those of llama-server's `--cors-*` flags.
package struct CrossOriginPolicy: Sendable, Equatable {
    package enum Origins: Sendable, Equatable {
        /// Pages of any site.
        case any
        /// Pages of this machine: host `localhost`, `127.0.0.1` or `[::1]`, any scheme and port.
        case localhost
        /// This text, sent as it is.
        case literal(String)
    }
    package var origins = Origins.localhost
    /// `Access-Control-Allow-Methods`.
    package var methods = "GET, POST, DELETE, OPTIONS"
    /// `Access-Control-Allow-Headers`.
    package var headers = "*, Authorization"
    /// Whether a page may send cookies and HTTP authentication.
    package var allowsCredentials = true
    /// Whether an operator chose any of these. Then each preflight gets all of them, as at llama-server, and not only
    /// preflights from pages that are let in. Default: no.
    package var isExplicit = false

    package init() {}

    /// What to allow a request that comes from a page of `origin`: the value of `Access-Control-Allow-Origin`.
    /// - Returns: `nil` when nothing is allowed.
    func allowedOrigin(for origin: String?) -> String? {
        switch origins {
        // A browser takes no `*` together with credentials.
        case .any: allowsCredentials ? origin ?? "*" : "*"
        case .localhost: origin.flatMap { Self.isLocal($0) ? $0 : nil }
        case .literal(let text): text
        }
    }

    /// Whether pages of `origin` may change something here.
    func allows(_ origin: String) -> Bool {
        switch origins {
        case .any: true
        case .localhost: Self.isLocal(origin)
        case .literal(let text): text == "*" || text.hasSameBytes(as: origin)
        }
    }

    private static func isLocal(_ origin: String) -> Bool {
        guard let scheme = origin.firstRange(of: "://") else { return false }
        let host = HostAddress.host(of: origin[scheme.upperBound...])
        return ["localhost", "127.0.0.1", "[::1]"].contains(host)
    }
}
