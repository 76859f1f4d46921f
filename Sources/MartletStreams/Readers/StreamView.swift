/// A function from log events to the bytes of one wire format.
///
/// A view is a pure function of its stored properties, which are fixed at admission (id, time, model, options), and of
/// one event. So a replay from any event has the bytes of the first time.
package protocol StreamView: Sendable {
    /// Appends the bytes of `event`, which may be none. `number` counts the log's events from 0.
    func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8])

    /// Appends the bytes that a reader receives last when the server shuts down and a later server continues the
    /// generation.
    ///
    /// In a later replay `encode` appends for the event `handedOver` bytes of the same length that clients ignore, so
    /// that byte offsets stay valid.
    func encodeHandover(number: Int, into bytes: inout [UInt8])

    /// The same view as a fold with a state; nil if the bytes of an event do not depend on the events before it.
    var folding: (any FoldingView)? { get }
}

extension StreamView {
    /// The default for views without a state.
    package var folding: (any FoldingView)? { nil }

    /// The default for views whose clients need no notice of the handover.
    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        encode(.handedOver, number: number, into: &bytes)
    }
}
