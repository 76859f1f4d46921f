import MartletPlatform
import UnixSignals

/// The signals that begin the drain of a server.
enum EndSignals {
    /// Each signal has the same effect: the server refuses further requests, and running generations may end within
    /// `--drain-timeout`.
    /// - Parameters:
    ///   - reloadsOnHangup: Whether SIGHUP reloads the certificate.
    ///   - ignoresHangup: Whether the process was started to outlive its terminal, e.g. with `nohup`.
    static func all(reloadsOnHangup: Bool, ignoresHangup: Bool) -> [UnixSignal] {
        let always: [UnixSignal] = [.sigterm, .sigint, .sigquit]
        return reloadsOnHangup || ignoresHangup ? always : always + [.sighup]
    }

    /// Whether the parent made this process ignore SIGHUP. Read it before signals are trapped.
    static var isHangupIgnored: Bool {
        var action = sigaction()
        guard sigaction(SIGHUP, nil, &action) == 0 else { return false }
        #if canImport(Darwin)
            let handler = unsafeBitCast(action.__sigaction_u.__sa_handler, to: Int.self)
        #elseif canImport(Glibc)
            let handler = unsafeBitCast(action.__sigaction_handler.sa_handler, to: Int.self)
        #else
            let handler = unsafeBitCast(action.__sa_handler.sa_handler, to: Int.self)
        #endif
        // The value 1 is SIG_IGN. The cast only reads the address: the optional function has the size of a pointer, and
        // the function is never called.
        return handler == 1
    }
}
