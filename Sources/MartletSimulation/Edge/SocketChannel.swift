/// One attachment of a realtime socket, seen from both ends.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class SocketChannel: SimulatedChannel, @unchecked Sendable {
    /// The edge did not attach: the generation is missing, or the cursor is wrong.
    private(set) var isRefused = false
    private(set) var isMissing = false
    private(set) var isWrongCursor = false
    /// The id in the acknowledgement of a generation that the socket began; nil before it.
    private(set) var acknowledgedID: String?

    /// The edge refuses the attachment.
    func refuse(isMissing: Bool, isWrongCursor: Bool) {
        (isRefused, self.isMissing, self.isWrongCursor) = (true, isMissing, isWrongCursor)
    }

    /// The edge acknowledges a new generation.
    func acknowledge(id: String) { acknowledgedID = id }

    /// The client closes the socket. The edge notices it later.
    func closeByClient() { eventLoop.execute { [self] in closeReader() } }
}
