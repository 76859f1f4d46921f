internal import MartletText

/// The proxies of downloads by the variables that other tools read: `https_proxy`, `http_proxy`, `all_proxy`, `no_proxy`.
///
/// Example: `https_proxy=http://proxy:3128` and `no_proxy=.corp.example` send all https requests but those to
/// `*.corp.example` through the proxy. The rule applies to each request by itself, so a redirect to another host may have
/// another proxy, or none.
package struct ProxyRules: Sendable, Equatable {
    /// A proxy server.
    package struct Proxy: Sendable, Equatable {
        /// The protocol between this machine and the proxy.
        package enum Kind: Sendable, Equatable {
            /// HTTP, with `CONNECT` for https and for http.
            case http
            /// SOCKS 5. The proxy resolves names.
            case socks
        }
        package var kind: Kind
        /// In lower case, without brackets.
        package var host: String
        package var port: Int
        /// The user name and the password for the proxy; `nil` = none.
        package var credentials: Credentials?

        /// A user name with its password. Never part of a message.
        package struct Credentials: Sendable, Equatable {
            package var name: String
            package var password: String
        }

        /// Parses `http://name:password@host:port`, `socks5://host:port` or `host:port`.
        ///
        /// - Throws: an error that names the form, and no part of the text that may be a password.
        package init(_ text: String) throws(DownloadError) {
            var rest = text[...]
            kind = .http
            if let mark = text.firstRange(of: "://") {
                switch text[..<mark.lowerBound].lowercased() {
                case "http": kind = .http
                case "socks", "socks5", "socks5h": kind = .socks
                case let scheme:
                    throw DownloadError(
                        "a proxy must begin with http:// or socks5://, not with \(scheme.excerpt(bytes: 16))://")
                }
                rest = text[mark.upperBound...]
            }
            if let at = rest.lastIndex(of: "@") {
                let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
                guard kind == .http else { throw DownloadError("a SOCKS proxy with a password is not supported") }
                credentials = Credentials(
                    name: DownloadAddress.decoded(parts[0]),
                    password: parts.count > 1 ? DownloadAddress.decoded(parts[1]) : "")
                rest = rest[rest.index(after: at)...]
            }
            let address: DownloadAddress
            do throws(DownloadError) {
                address = try DownloadAddress("http://" + rest)
            } catch {
                throw DownloadError("the proxy has no valid host and port: \(error)")
            }
            host = address.host
            // 80 is the port of web servers; curl's default for proxies is 1080.
            let hasPort = DownloadAddress.hasPort(rest)
            port = hasPort ? address.port : 1080
        }
    }

    /// The proxy for https; `nil` = none.
    package var https: Proxy?
    /// The proxy for http; `nil` = none.
    package var http: Proxy?
    /// The value of `no_proxy`.
    package var exemptions = ""

    /// No proxies.
    package init() {}

    /// The rules of the environment. Names in lower case come first. `HTTP_PROXY` is ignored as in curl, because web servers
    /// set it from the header `Proxy` of their clients.
    ///
    /// - Throws: an error that names the variable.
    package init(environment: (String) -> String?) throws(DownloadError) {
        func proxy(_ names: [String]) throws(DownloadError) -> Proxy? {
            for name in names {
                guard let text = environment(name), !text.isEmpty else { continue }
                do throws(DownloadError) {
                    return try Proxy(text)
                } catch {
                    throw DownloadError("\(name): \(error)")
                }
            }
            return nil
        }
        https = try proxy(["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"])
        http = try proxy(["http_proxy", "all_proxy", "ALL_PROXY"])
        exemptions = ["no_proxy", "NO_PROXY"].lazy.compactMap(environment).first { !$0.isEmpty } ?? ""
    }

    /// The proxy for a request to an address; `nil` = the request is sent directly.
    package func proxy(for address: DownloadAddress) -> Proxy? {
        Self.isExempt(address.host, exemptions) ? nil : address.scheme == "https" ? https : http
    }

    /// Whether the value of `no_proxy` names the host: exactly, as a domain, or with `*`.
    ///
    /// Example: `.example.org` names `example.org` and `hub.example.org`.
    package static func isExempt(_ host: String, _ list: String) -> Bool {
        list.split(separator: ",").contains { entry in
            let name = entry.filter { $0 != " " }.lowercased()
            let domain = name.hasPrefix(".") ? String(name.dropFirst()) : name
            return name == "*" || !domain.isEmpty && (host == domain || host.hasSuffix("." + domain))
        }
    }
}
