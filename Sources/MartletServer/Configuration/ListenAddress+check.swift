internal import MartletPlatform
internal import NIOCore
internal import NIOPosix

extension ListenAddress {
    /// Checks that a host is a known name or an address of this machine, by binding a datagram socket to it.
    ///
    /// Other failures are ignored: binding the real socket reports them.
    /// - Parameter port: for error messages.
    /// - Throws: `EdgeServerError` for an unknown name and for an address of another machine.
    func check(port: Int, on eventLoops: any EventLoopGroup) async throws(EdgeServerError) {
        guard case .host(let host) = endpoint else { return }
        do {
            let channel = try await DatagramBootstrap(group: eventLoops).bind(host: host, port: 0).get()
            try await channel.close()
        } catch let error as IOError where error.errnoCode != EADDRNOTAVAIL {
            return
        } catch {
            if let error = EdgeServerError(error, address: self, port: port) { throw error }
        }
    }
}
