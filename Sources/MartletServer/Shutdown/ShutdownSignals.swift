internal import Dispatch
internal import UnixSignals

#if canImport(Darwin)
    internal import Darwin
#endif

/// Takes the signals that ask a process to end, until it goes away.
final class ShutdownSignals {
    private let sources: [any DispatchSourceSignal]

    /// - Parameter received: called for every signal, on a queue of its own.
    init(_ signals: [UnixSignal], received: @escaping @Sendable () -> Void) {
        let queue = DispatchQueue(label: "martlet.signals", qos: .userInitiated)
        sources = signals.map { unixSignal in
            #if canImport(Darwin)
                // There the system would end the process all the same.
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
