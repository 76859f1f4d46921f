internal import NIOCore
internal import NIOPosix

#if canImport(Glibc)
    internal import Glibc
#elseif canImport(Darwin)
    internal import Darwin
#endif

/// Why a server could not be started. The description is one line that says what to do.
package struct EdgeServerError: Error, CustomStringConvertible, Equatable {
    package let description: String

    private init(description: String) { self.description = description }

    static func unauthenticated(host: String) -> Self {
        Self(
            description: "others could use a server on \(host) without a key; "
                + "set --api-key or --api-key-file, or allow that with --allow-unauthenticated")
    }

    static func unusable(flag: String, path: String, _ error: any Error) -> Self {
        Self(description: "\(flag): \(path) cannot be used: \(error)")
    }

    init(_ error: IOError, host: String, port: Int) {
        description =
            switch error.errnoCode {
            case EADDRINUSE: "port \(port) on \(host) is in use; stop what listens there or choose another --port"
            case EACCES: "port \(port) needs more rights than this process has; choose a --port of 1024 or more"
            case EADDRNOTAVAIL: "no address of this machine is \(host); choose another --host"
            default: "cannot listen on \(host), port \(port): \(error)"
            }
    }

    /// Whether `error` says that an address cannot be listened on.
    static func concernsAddress(_ error: any Error) -> Bool {
        error is IOError || error is SocketAddressError || error is UnixDomainSocketPathWrongType
    }

    static func socketInUse(path: String) -> Self {
        Self(description: "another server listens on the socket \(path); stop it or choose another --host")
    }

    init(_ error: any Error, socketPath: String) {
        description = "cannot listen on the socket \(socketPath); choose another --host (\(error))"
    }

    init(_ error: SocketAddressError, host: String) {
        description = "cannot find the address \(host); choose another --host (\(error))"
    }
}
