import MartletPlatform

/// Asks whether a server accepts connections, before libggml connects to it.
enum ServerProbe {
    /// The longest time of a connection attempt in milliseconds.
    private static let timeout: Int32 = 5_000

    /// The reason for which no connection to `HOST:PORT` is possible; `nil` = one was made and closed.
    ///
    /// Blocks for a lookup of the name and for at most five seconds per address.
    static func failure(of server: String) -> String? {
        guard let colon = server.lastIndex(of: ":") else { return "it has no port" }
        var host = String(server[..<colon])
        // An IPv6 address stands in brackets.
        if host.hasPrefix("["), host.hasSuffix("]") { host = String(host.dropFirst().dropLast()) }
        var hints = addrinfo()
        hints.ai_family = AF_UNSPEC
        hints.ai_socktype = streamType
        var list: UnsafeMutablePointer<addrinfo>?
        let result = getaddrinfo(host, String(server[server.index(after: colon)...]), &hints, &list)
        guard result == 0 else { return String(cString: gai_strerror(result)) }
        defer { freeaddrinfo(list) }
        var reason = "the name has no address"
        var next = list
        while let address = next?.pointee {
            guard let failure = failure(connectingTo: address) else { return nil }
            reason = String(cString: strerror(failure))
            next = address.ai_next
        }
        return reason
    }

    /// The type of a TCP socket, whose C declaration differs between systems.
    private static var streamType: Int32 {
        #if os(Linux)
            Int32(SOCK_STREAM.rawValue)
        #else
            SOCK_STREAM
        #endif
    }

    /// The error number of a connection attempt; `nil` = it succeeded.
    private static func failure(connectingTo address: addrinfo) -> Int32? {
        let descriptor = socket(address.ai_family, address.ai_socktype, address.ai_protocol)
        guard descriptor >= 0 else { return errno }
        defer { close(descriptor) }
        guard fcntl(descriptor, F_SETFL, O_NONBLOCK) == 0 else { return errno }
        if connect(descriptor, address.ai_addr, address.ai_addrlen) == 0 { return nil }
        guard errno == EINPROGRESS else { return errno }
        var waiting = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        var count = poll(&waiting, 1, timeout)
        while count < 0, errno == EINTR { count = poll(&waiting, 1, timeout) }
        guard count > 0 else { return count == 0 ? ETIMEDOUT : errno }
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        guard getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length) == 0 else { return errno }
        return error == 0 ? nil : error
    }
}
