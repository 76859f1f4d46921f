internal import MartletPlatform
internal import NIOCore
internal import NIOPosix

/// The reason why a server could not start. The description is one line with the remedy.
package struct EdgeServerError: Error, CustomStringConvertible, Equatable {
    package let description: String

    private init(description: String) { self.description = description }

    /// The server would be open to other machines without a key.
    static func unauthenticated(host: String) -> Self {
        Self(
            description: "other machines could use a server on \(host) without a key; "
                + "set --api-key or --api-key-file, or permit it with --allow-unauthenticated")
    }

    /// A file or folder that a flag names cannot be used.
    static func unusable(flag: String, path: String, _ error: any Error) -> Self {
        Self(description: "\(flag): \(path) cannot be used: \(error)")
    }

    /// - Returns: nil if the error does not concern listening on an address.
    init?(_ error: any Error, address: ListenAddress, port: Int) {
        guard
            error is IOError || error is SocketAddressError || error is SocketAddressError.UnknownHost
                || error is UnixDomainSocketPathWrongType
        else {
            return nil
        }
        let code = (error as? IOError)?.errnoCode
        if case .socket(let path) = address.endpoint {
            let reason = code.map { " (\(String(cString: strerror($0))))" } ?? ""
            description = "cannot listen on the socket \(path)\(reason); choose another --host"
            return
        }
        description =
            switch code {
            case EADDRINUSE?:
                "port \(port) on \(address.description) is in use; stop what listens there or choose another --port"
            case EACCES?:
                "port \(port) needs more rights than this process has; choose a --port of 1024 or more"
            case EADDRNOTAVAIL?: "no address of this machine is \(address.description); choose another --host"
            case let code?:
                "cannot listen on \(address.description), port \(port): \(String(cString: strerror(code)))"
            case nil: "no address is known for the name '\(address.description)'; --host must be \(ListenAddress.rule)"
            }
    }

    /// The path of a Unix socket belongs to a running server.
    static func socketInUse(path: String) -> Self {
        Self(description: "another server listens on the socket \(path); stop it or choose another --host")
    }
}
