internal import MartletPlatform

/// Whether hosts lead to addresses that are not public.
enum PrivateAddress {
    /// Whether the name, or an address that it resolves to, is not public. A name that does not resolve counts as public:
    /// the connection fails then, or a proxy resolves it.
    ///
    /// Thread: blocks for the time of a look-up.
    static func isPrivate(_ host: String) -> Bool {
        var hints = addrinfo()
        hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        guard getaddrinfo(host, nil, &hints, &list) == 0 else { return false }
        defer { freeaddrinfo(list) }
        var entry = list
        while let info = entry?.pointee {
            if isPrivate(info) { return true }
            entry = info.ai_next
        }
        return false
    }

    /// Whether one result of a look-up is not public. Families other than IPv4 and IPv6 are not.
    private static func isPrivate(_ info: addrinfo) -> Bool {
        guard let address = info.ai_addr else { return false }
        switch info.ai_family {
        case AF_INET:
            return address.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
                isPrivate(ipv4: UInt32(bigEndian: $0.pointee.sin_addr.s_addr))
            }
        case AF_INET6:
            let bytes = address.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { pointer in
                withUnsafeBytes(of: pointer.pointee.sin6_addr) { Array($0) }
            }
            return isPrivate(ipv6: bytes)
        default: return true
        }
    }

    /// Loopback, private, link-local (cloud metadata), shared, multicast and reserved addresses (RFC 6890).
    static func isPrivate(ipv4 address: UInt32) -> Bool {
        let ranges: [(UInt32, Int)] = [
            (0x0000_0000, 8), (0x0A00_0000, 8), (0x6440_0000, 10), (0x7F00_0000, 8), (0xA9FE_0000, 16),
            (0xAC10_0000, 12), (0xC000_0000, 24), (0xC0A8_0000, 16), (0xC612_0000, 15), (0xE000_0000, 3),
        ]
        return ranges.contains { prefix, length in (address ^ prefix) >> (32 - UInt32(length)) == 0 }
    }

    /// As for IPv4, mapped addresses included.
    static func isPrivate(ipv6 bytes: [UInt8]) -> Bool {
        guard bytes.count == 16 else { return true }
        if bytes[..<12].elementsEqual([0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF]) {
            return isPrivate(ipv4: bytes[12...].reduce(0) { $0 << 8 | UInt32($1) })
        }
        if bytes[..<15].allSatisfy({ $0 == 0 }) { return true }
        return bytes[0] & 0xFE == 0xFC || bytes[0] == 0xFE && bytes[1] & 0xC0 == 0x80 || bytes[0] == 0xFF
    }
}
