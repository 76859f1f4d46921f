import MartletGenerations
import MartletStreams
import NIOCore

/// One request of a client with its response: a connection, seen from both ends. Either end may close at any time.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class SimulatedConnection: SimulatedChannel, @unchecked Sendable {
    /// The part of a response before its bytes.
    enum Head {
        /// A stream follows. The id is nil for a plain generation.
        case stream(id: String?)
        case reply(Reply)
    }
    /// A response without a stream.
    enum Reply {
        case error(GenerationError)
        /// The whole output: the log's events.
        case whole(id: String?, [LogEvent])
        /// The generation is in this state, and continues or has ended.
        case state(id: String, GenerationStatus.State)
        case command(CommandReply)
        /// The result of a deletion; nil = the label has no generation.
        case deletion(GenerationRegistry.Deletion?)
        /// Ids and labels of the owner's generations.
        case list([(id: String, owner: Owner, label: String?)])
        /// The stream has ended and the client has all of it.
        case nothingLeft
        /// The server hands the generation over or cannot remove it; a later attempt can succeed.
        case unavailable
    }

    /// The part of the response that the client sees first.
    private(set) var head: Head?
    /// Called when the client disconnects.
    private var disconnectAction: (@Sendable () -> Void)?

    // MARK: The edge's end, on its event loop

    /// Sends the head of a response.
    func send(_ head: Head) {
        guard !isClosed else { return }
        self.head = head
        if case .reply = head { endWithoutReader() }
    }

    /// Calls `action` when the connection closes before the response has ended; at once if it is closed.
    func onDisconnect(_ action: @escaping @Sendable () -> Void) {
        guard !isClosed else { return action() }
        disconnectAction = action
    }

    /// Closes the edge's end, on the event loop.
    func close() {
        guard closeReader() else { return }
        let action = disconnectAction
        disconnectAction = nil
        if !isEnded { action?() }
    }

    override func lose() {
        super.lose()
        disconnectAction = nil
    }

    /// Whether nothing of the edge refers to the connection.
    var isIdle: Bool { isClosed || isEnded }

    // MARK: The client's end

    /// The client closes. The edge notices it later.
    func closeByClient() {
        dropBytes()
        eventLoop.execute { [self] in close() }
    }
}
