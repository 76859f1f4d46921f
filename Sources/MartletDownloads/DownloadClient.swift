internal import AsyncHTTPClient
internal import MartletPlatform
internal import NIOCore
internal import NIOHTTP1
internal import NIOPosix
internal import NIOSSL

/// The settings of downloads.
package struct DownloadSettings: Sendable {
    /// The origin that gets the token, e.g. `https://huggingface.co`.
    package var endpoint: DownloadAddress
    /// A token of Hugging Face; `nil` = none. Only `endpoint` ever receives it.
    package var token: String?
    /// The proxies of the environment.
    package var proxies = ProxyRules()
    /// A file of certificates in PEM form that replaces those of the system (`SSL_CERT_FILE`); `nil` = the system's.
    package var certificateFile: String?
    /// The number of ranges of one file that are fetched at the same time.
    package var connectionCount = 4
    package var rangeByteCount = PartRecord.usualRangeByteCount
    /// The longest time without a byte; then the range is fetched again.
    package var stallTimeout: Duration = .seconds(30)
    package var retries = RetryPolicy()
    /// Waits; a test replaces it.
    package var sleep: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    /// Whether a host leads to addresses that are not public; a test replaces it.
    package var isPrivate: @Sendable (String) -> Bool = { PrivateAddress.isPrivate($0) }

    /// Creates settings without token and proxy.
    package init(endpoint: DownloadAddress) { self.endpoint = endpoint }
}

/// Sends requests of downloads: redirects by the rules, the token to one origin only, no compressed bodies.
struct DownloadClient: Sendable {
    let settings: DownloadSettings
    /// The pools of connections for all files: one without a proxy, and one for each proxy.
    private let clients: [(proxy: ProxyRules.Proxy?, client: HTTPClient)]

    init(_ settings: DownloadSettings) {
        self.settings = settings
        let proxies = [
            nil, settings.proxies.https, settings.proxies.http == settings.proxies.https ? nil : settings.proxies.http,
        ]
        clients = proxies.enumerated().filter { $0.offset == 0 || $0.element != nil }.map { _, proxy in
            (proxy, HTTPClient(eventLoopGroupProvider: .singleton, configuration: Self.configuration(settings, proxy)))
        }
    }

    /// The configuration of the connections through a proxy; `nil` = without one.
    private static func configuration(
        _ settings: DownloadSettings, _ proxy: ProxyRules.Proxy?
    ) -> HTTPClient.Configuration {
        var configuration = HTTPClient.Configuration()
        configuration.redirectConfiguration = .disallow
        configuration.timeout = .init(
            connect: .seconds(15), read: .nanoseconds(Int64(settings.stallTimeout / .nanoseconds(1))))
        configuration.decompression = .disabled
        configuration.httpVersion = .http1Only
        if let path = settings.certificateFile {
            var tls = TLSConfiguration.makeClientConfiguration()
            tls.trustRoots = .file(path)
            configuration.tlsConfiguration = tls
        }
        guard let proxy else { return configuration }
        let authorization = proxy.credentials.map {
            HTTPClient.Authorization.basic(username: $0.name, password: $0.password)
        }
        configuration.proxy =
            proxy.kind == .socks
            ? .socksServer(host: proxy.host, port: proxy.port)
            : authorization.map { .server(host: proxy.host, port: proxy.port, authorization: $0) }
                ?? .server(host: proxy.host, port: proxy.port)
        return configuration
    }

    /// The pool for a request.
    private func client(for address: DownloadAddress) -> HTTPClient {
        let proxy = settings.proxies.proxy(for: address)
        return (clients.first { $0.proxy == proxy } ?? clients[0]).client
    }

    /// Whether the token may be sent to an address: only to the endpoint, and never in clear through a proxy.
    private func mayReceiveToken(_ address: DownloadAddress) -> Bool {
        address.hasSameOrigin(as: settings.endpoint)
            && (address.scheme == "https" || settings.proxies.proxy(for: address) == nil)
    }

    /// Closes all connections.
    func shutDown() async { for (_, client) in clients { try? await client.shutdown() } }

    /// A response whose body was not read yet.
    struct Reply: Sendable {
        /// The response with status 200 or 206.
        var response: HTTPClientResponse
        /// Headers of the first response that has them, redirects included: Hugging Face states size and hash there.
        var linkedTag: String?
        /// The last address of the chain, for messages.
        var shownAddress: String

        /// The first value of a header, in any case of letters.
        func header(_ name: String) -> String? { response.headers.first(name: name) }
    }

    /// Sends a GET request and follows redirects.
    ///
    /// - Parameter headers: headers for every request of the chain, e.g. `Range`.
    /// - Throws: for statuses other than 200 and 206, too many redirects, and connections that fail.
    func get(_ address: DownloadAddress, _ headers: [(String, String)] = []) async throws(DownloadError) -> Reply {
        var current = address
        var linkedTag: String?
        var count = 0
        while true {
            var request = HTTPClientRequest(url: current.text)
            request.headers.add(name: "User-Agent", value: "martlet")
            // A compressed body has another length than the file.
            request.headers.add(name: "Accept-Encoding", value: "identity")
            for (name, value) in headers { request.headers.add(name: name, value: value) }
            if let token = settings.token, mayReceiveToken(current) {
                request.headers.add(name: "Authorization", value: "Bearer \(token)")
            }
            let response = try await execute(request, current)
            linkedTag = linkedTag ?? response.headers.first(name: "X-Linked-Etag")
            guard [301, 302, 303, 307, 308].contains(Int(response.status.code)) else {
                let retryAfter = response.headers.first(name: "Retry-After")
                if let error = DownloadError.status(
                    Int(response.status.code), of: current.shownText, retryAfter: retryAfter)
                {
                    throw error
                }
                return Reply(response: response, linkedTag: linkedTag, shownAddress: current.shownText)
            }
            guard let location = response.headers.first(name: "Location") else {
                throw DownloadError("\(current.shownText) redirects without a target")
            }
            let target = try current.target(of: location)
            count += 1
            let isPrivate = await isPrivate(target.host)
            if let violation = RedirectRules.violation(from: address, to: target, count: count, isPrivate: isPrivate) {
                throw violation
            }
            current = target
        }
    }

    /// The look-up blocks, so a thread of the pool performs it.
    private func isPrivate(_ host: String) async -> Bool {
        let isPrivate = settings.isPrivate
        return (try? await NIOThreadPool.singleton.runIfActive { isPrivate(host) }) ?? true
    }

    /// Sends one request, without following redirects.
    private func execute(
        _ request: HTTPClientRequest, _ address: DownloadAddress
    ) async throws(DownloadError) -> HTTPClientResponse {
        do {
            return try await client(for: address).execute(request, timeout: .hours(24))
        } catch {
            throw Self.failure(error, address.shownText, settings.stallTimeout)
        }
    }

    /// The error of a connection. Nothing of a request's headers is in it.
    static func failure(_ error: any Error, _ address: String, _ stall: Duration) -> DownloadError {
        if error is CancellationError { return DownloadError("the download was cancelled; its part remains") }
        guard let known = error as? HTTPClientError else {
            return DownloadError(.temporary(after: nil), "\(address): the connection failed: \(error)")
        }
        switch known {
        case .cancelled: return DownloadError("the download was cancelled; its part remains")
        case .readTimeout: return DownloadError(.temporary(after: nil), "\(address): no byte for \(stall)")
        default: return DownloadError(.temporary(after: nil), "\(address): the connection failed: \(known)")
        }
    }

    /// A whole body of limited size, e.g. a list of files.
    func body(_ address: DownloadAddress, upTo limit: Int) async throws(DownloadError) -> (
        bytes: [UInt8], next: String?
    ) {
        var failures = 0
        while true {
            do throws(DownloadError) {
                let reply = try await get(address, [("Accept", "application/json")])
                return (try await collect(reply, upTo: limit), reply.header("Link").flatMap(Self.nextPage))
            } catch {
                failures += 1
                guard let pause = settings.retries.pause(after: error, failureCount: failures) else { throw error }
                try await wait(pause)
            }
        }
    }

    /// Reads a body of limited size.
    private func collect(_ reply: Reply, upTo limit: Int) async throws(DownloadError) -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            for try await buffer in reply.response.body {
                bytes += buffer.readableBytesView
                guard bytes.count <= limit else { break }
            }
        } catch {
            throw Self.failure(error, reply.shownAddress, settings.stallTimeout)
        }
        guard bytes.count <= limit else { throw DownloadError("\(reply.shownAddress) has more than \(limit) bytes") }
        return bytes
    }

    /// The target of `<…>; rel="next"`.
    private static func nextPage(_ link: String) -> String? {
        for part in link.split(separator: ",") where part.contains("rel=\"next\"") {
            guard let begin = part.firstIndex(of: "<"), let end = part.firstIndex(of: ">"), begin < end else {
                continue
            }
            return String(part[part.index(after: begin)..<end])
        }
        return nil
    }

    /// Waits, unless the task is cancelled.
    func wait(_ time: Duration) async throws(DownloadError) {
        do {
            try await settings.sleep(time)
        } catch {
            throw DownloadError("the download was cancelled; its part remains")
        }
    }
}
