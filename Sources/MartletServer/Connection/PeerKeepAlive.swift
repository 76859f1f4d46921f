internal import MartletPlatform
internal import NIOCore

/// Lets the system detect a client that vanished without closing its connection.
enum PeerKeepAlive {
    /// Enables TCP keep-alive probes, and a limit for the time in which sent bytes are not acknowledged. Does nothing
    /// for
    /// Unix sockets.
    /// - Parameter stallTimeout: the time after which the connection fails.
    static func enable(_ channel: any Channel, stallTimeout: Duration) {
        guard channel.remoteAddress?.port != nil else { return }
        _ = channel.setOption(.socketOption(.so_keepalive), value: 1)
        #if os(Linux)
            let seconds = Int32(clamping: stallTimeout.components.seconds)
            for (option, value) in [
                (TCP_KEEPIDLE, max(seconds / 2, 1)), (TCP_KEEPINTVL, max(seconds / 6, 1)),
                (TCP_USER_TIMEOUT, Int32(clamping: Int64(max(seconds, 1)) * 1_000)),
            ] {
                let type = ChannelOptions.Types.SocketOption(
                    level: .tcp, name: NIOBSDSocket.Option(rawValue: CInt(option)))
                _ = channel.setOption(type, value: Int(value))
            }
        #endif
    }
}
