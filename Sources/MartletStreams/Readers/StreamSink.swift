/// Where the bytes of one response go: a connection, seen from its event loop.
///
/// Thread: used on the event loop of the connection only.
package protocol StreamSink: AnyObject {
    /// Whether the connection takes more without piling it up in memory.
    var isWritable: Bool { get }

    /// Sends bytes of the response's body, in order, at once.
    func write(_ bytes: [UInt8])

    /// A reader has written the last of its log, and will write no more.
    func readerEnded()
}
