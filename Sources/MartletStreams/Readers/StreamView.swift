/// How a log looks in one wire format.
///
/// A view is a pure function of what is fixed when the generation is admitted (id, time, model, options: its stored
/// properties) and of one event. So replay from any event gives the bytes of the first time.
package protocol StreamView: Sendable {
    /// Appends the bytes of `event`, which may be none. `number` counts the log's events from 0.
    func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8])

    /// Appends what a reader is told last when the server ends under a generation that will go on.
    ///
    /// Later, somewhere within the stream, `encode` has to give something of the same length for that event that means
    /// nothing to a client: so that who counts bytes counts right.
    func encodeHandover(number: Int, into bytes: inout [UInt8])
}

extension StreamView {
    package func encodeHandover(number: Int, into bytes: inout [UInt8]) {
        encode(.handedOver, number: number, into: &bytes)
    }
}
