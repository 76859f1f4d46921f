/// How a log looks in one wire format.
///
/// A view is a pure function of what is fixed when the generation is admitted (id, time, model, options: its stored
/// properties) and of one event. So replay from any event gives the bytes of the first time.
package protocol StreamView: Sendable {
    /// Appends the bytes of `event`, which may be none. `number` counts the log's events from 0.
    func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8])
}
