import MartletText

/// The address of a file on a server: scheme, host, port and path. The parts that matter for trust are explicit.
package struct DownloadAddress: Sendable, Equatable {
    package let scheme: String
    /// In lower case, without brackets.
    package let host: String
    /// From 1 to 65535; the scheme's own one if the address has none.
    package let port: Int
    /// Path and query, beginning with `/`.
    package let path: String

    /// Parses an address of http or https. User names and passwords in it are refused, because they would be logged.
    package init(_ text: String) throws(DownloadError) {
        guard text.utf8.count <= 8_192,
            text.unicodeScalars.allSatisfy({ $0.isASCII && $0.value > 0x20 && $0.value != 0x7F })
        else { throw DownloadError("the address has blanks, control characters or more than 8192 bytes") }
        guard let mark = text.firstRange(of: "://") else {
            throw DownloadError("'\(text.excerpt(bytes: 64))' is no address; it must begin with https://")
        }
        scheme = text[..<mark.lowerBound].lowercased()
        guard scheme == "https" || scheme == "http" else {
            throw DownloadError("'\(scheme)' is no scheme of a download; use https")
        }
        var rest = text[mark.upperBound...]
        if let fragment = rest.firstIndex(of: "#") { rest = rest[..<fragment] }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        let authority = rest[..<end]
        guard !authority.contains("@") else {
            throw DownloadError("an address must not have a user name or a password")
        }
        let tail = rest[end...]
        path = tail.isEmpty ? "/" : tail.first == "?" ? "/" + tail : String(tail)
        var name = authority
        var port = scheme == "https" ? 443 : 80
        if let bracket = authority.lastIndex(of: "]"), authority.first == "[" {
            name = authority[authority.index(after: authority.startIndex)..<bracket]
            let behind = authority[authority.index(after: bracket)...]
            if behind.first == ":", let number = Int(behind.dropFirst()) { port = number }
        } else if let colon = authority.lastIndex(of: ":") {
            guard let number = Int(authority[authority.index(after: colon)...]) else {
                throw DownloadError("the port of '\(authority)' is no number")
            }
            port = number
            name = authority[..<colon]
        }
        guard !name.isEmpty, (1...65_535).contains(port) else {
            throw DownloadError("'\(authority)' is no host with a port from 1 to 65535")
        }
        host = name.lowercased()
        self.port = port
    }

    /// Whether both addresses have the same scheme, host and port, so that credentials of one may go to the other.
    package func hasSameOrigin(as other: DownloadAddress) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// The address with its query.
    package var text: String {
        let isDefault = port == (scheme == "https" ? 443 : 80)
        return "\(scheme)://\(host.contains(":") ? "[\(host)]" : host)\(isDefault ? "" : ":\(port)")\(path)"
    }

    /// The address for messages, without a query: signatures of storage servers are credentials.
    package var shownText: String { text.split(separator: "?", maxSplits: 1).first.map(String.init) ?? text }

    /// The name of the file: the last part of the path.
    package var fileName: String {
        let path = path.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)[0]
        return path.split(separator: "/").last.map { Self.decoded($0) } ?? ""
    }

    /// The text with `%41` as `A`.
    static func decoded(_ text: Substring) -> String {
        var bytes: [UInt8] = []
        var rest = text.utf8[...]
        while let byte = rest.popFirst() {
            if byte == UInt8(ascii: "%"), rest.count >= 2,
                let value = UInt8(String(Substring(rest.prefix(2))), radix: 16)
            {
                bytes.append(value)
                rest = rest.dropFirst(2)
            } else {
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Whether an authority such as `host:80/` states its port.
    static func hasPort(_ authority: Substring) -> Bool {
        let host = authority.prefix { $0 != "/" }
        return host.last != "]" && host.drop { $0 != "]" }.contains(":") || !host.contains("]") && host.contains(":")
    }

    /// The target of a redirect, relative or absolute.
    package func target(of location: String) throws(DownloadError) -> DownloadAddress {
        if location.contains("://") { return try DownloadAddress(location) }
        if location.hasPrefix("//") { return try DownloadAddress("\(scheme):\(location)") }
        guard location.hasPrefix("/") else {
            let folder = path.split(separator: "?", maxSplits: 1)[0]
            let parent = folder.lastIndex(of: "/").map { folder[...$0] } ?? "/"
            return try DownloadAddress(origin + parent + location)
        }
        return try DownloadAddress(origin + location)
    }

    /// The address without path and query.
    private var origin: String {
        "\(scheme)://\(host.contains(":") ? "[\(host)]" : host):\(port)"
    }
}

/// The rules for redirects. Pure.
package enum RedirectRules {
    /// The largest number of redirects of one request.
    package static let maximumCount = 5

    /// The error of a redirect; `nil` if it may be followed.
    ///
    /// - Parameters:
    ///   - first: the address that the user or the repository named.
    ///   - isPrivate: whether the target's host leads to an address that is not public.
    package static func violation(
        from first: DownloadAddress, to target: DownloadAddress, count: Int, isPrivate: Bool
    ) -> DownloadError? {
        if count > maximumCount {
            return DownloadError("\(first.shownText) redirects more than \(maximumCount) times")
        }
        if first.scheme == "https", target.scheme != "https" {
            return DownloadError("\(first.shownText) redirects to \(target.shownText), which is not encrypted")
        }
        // A server on the internet must not lead this process to a machine of the local network.
        if isPrivate, target.host != first.host {
            return DownloadError("\(first.shownText) redirects to \(target.host), an address of a private network")
        }
        return nil
    }
}
