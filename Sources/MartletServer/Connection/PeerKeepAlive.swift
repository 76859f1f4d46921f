internal import MartletPlatform
internal import NIOCore

/// Lets the system notice a client that has vanished without a word.
enum PeerKeepAlive {
    /// By bytes that the client does not acknowledge, pings included, and by probes where nothing is sent.
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
