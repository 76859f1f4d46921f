/// The destination of one response's bytes: a connection, seen from its event loop.
///
/// Thread: used on the event loop of the connection only.
package protocol StreamSink: AnyObject {
    /// Whether the connection accepts more bytes without buffering them.
    var isWritable: Bool { get }

    /// Sends bytes of the response's body and flushes them.
    func write(_ bytes: [UInt8])

    /// The reader has written its last bytes.
    func readerEnded()
}
