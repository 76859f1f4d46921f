internal import Dispatch
internal import UnixSignals

#if canImport(Darwin)
    internal import Darwin
#endif

/// Receives the signals that ask a process to end, for the lifetime of this object.
final class ShutdownSignals {
    private let sources: [any DispatchSourceSignal]

    /// - Parameter received: called for every signal, on a dispatch queue of this object.
    init(_ signals: [UnixSignal], received: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "martlet.signals", qos: .userInitiated)
        sources = signals.map { unixSignal in
            #if canImport(Darwin)
                // On Darwin a dispatch source does not replace the default action, which ends the process.
                signal(unixSignal.rawValue, SIG_IGN)
            #endif
            let source = DispatchSource.makeSignalSource(signal: unixSignal.rawValue, queue: queue)
            source.setEventHandler(handler: received)
            source.resume()
            return source
        }
    }

    deinit {
        for source in sources { source.cancel() }
    }
}
