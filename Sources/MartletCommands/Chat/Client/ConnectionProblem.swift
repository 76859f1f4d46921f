import AsyncHTTPClient
import MartletPlatform
import NIOCore
import NIOPosix

/// Why a server does not respond, in one line with the next step.
///
/// Example: `no server listens on http://127.0.0.1:8080; 'martlet serve' starts one`.
enum ConnectionProblem {
    /// The line for an error of a request.
    static func text(_ error: any Error, url: BaseURL) -> String {
        switch error {
        case let error as NIOConnectionError:
            if error.dnsAError != nil, error.connectionErrors.isEmpty { return unknownHost(url) }
            let refused = error.connectionErrors.contains { ($0.error as? IOError)?.errnoCode == ECONNREFUSED }
            return refused ? noServer(url) : "\(url) cannot be reached: \(reason(error))"
        case let error as IOError where error.errnoCode == ECONNREFUSED: return noServer(url)
        case let error as IOError where error.errnoCode == ECONNRESET || error.errnoCode == EPIPE:
            return "\(url) closed the connection"
        case let error as HTTPClientError where error == .connectTimeout:
            return "\(url) does not respond; check host and port, and a firewall between"
        case let error as HTTPClientError where error == .remoteConnectionClosed:
            return "\(url) closed the connection before the end of the response"
        case let error as HTTPClientError where error == .deadlineExceeded || error == .readTimeout:
            return "\(url) did not respond in time"
        default: return "\(url) cannot be reached: \(error)"
        }
    }

    private static func noServer(_ url: BaseURL) -> String {
        "no server listens on \(url); 'martlet serve' starts one, and 'martlet chat' without --url brings its own"
    }

    private static func unknownHost(_ url: BaseURL) -> String {
        "the host \(url.host) is unknown; check the name in \(url)"
    }

    /// The first cause of a connection that was not made.
    private static func reason(_ error: NIOConnectionError) -> String {
        error.connectionErrors.first.map { "\($0.error)" } ?? "\(error)"
    }
}
