/// The input of the client that waits for the end of a response of a WebSocket.
///
///     running ──submit──▶ running ──end without calls──▶ the successor has the input
///                            ├─────end with calls──────▶ waiting ──next request of the client──▶ its input comes first
///                            └─────failed, cancelled───▶ the input returns to the client
///
/// A response runs to its end, because each output item is of use for the next one. Pure: no I/O, no clock. Ids of
/// responses have no prefix.
struct SteeringQueue<Input: Sendable>: Sendable {
    /// A queued input.
    struct Entry: Sendable {
        var id: String
        var input: Input
        var byteCount: Int
    }

    /// The reason why an input is not queued.
    enum Refusal: Error, Equatable {
        /// No response with this id runs.
        case notRunning
        /// The response belongs to a conversation.
        case notSupported
        case tooMany
    }

    /// The way in which a response has ended.
    enum End: Equatable {
        /// A later response may continue it.
        case continuable
        /// Its calls need their outputs first.
        case needsOutputs
        /// Nothing continues it.
        case failed
    }

    /// The reaction to the end of a response.
    enum Reaction {
        /// Nothing was queued.
        case none
        /// A successor has these inputs.
        case succeed([Entry])
        /// These inputs wait for the outputs of calls.
        case wait([Entry])
        /// These inputs return to the client.
        case refuse([Entry])
    }

    /// Inputs of one WebSocket.
    static var countLimit: Int { 64 }
    /// Bytes of all inputs of one WebSocket.
    static var byteLimit: Int { 4 << 20 }

    private struct Response: Sendable {
        var isRunning: Bool
        var isSteerable: Bool
        var entries: [Entry] = []
    }

    private var responses: [String: Response] = [:]
    private var count = 0
    private var byteCount = 0

    /// A response runs.
    /// - Parameter isSteerable: whether input may be queued for it.
    mutating func begin(_ id: String, isSteerable: Bool) {
        responses[id] = Response(isRunning: true, isSteerable: isSteerable)
    }

    /// Queues an input for the end of a running response.
    mutating func submit(_ entry: Entry, for id: String) -> Result<Void, Refusal> {
        guard let response = responses[id], response.isRunning else { return .failure(.notRunning) }
        guard response.isSteerable else { return .failure(.notSupported) }
        guard count < Self.countLimit, byteCount + entry.byteCount <= Self.byteLimit else { return .failure(.tooMany) }
        responses[id]?.entries.append(entry)
        count += 1
        byteCount += entry.byteCount
        return .success(())
    }

    /// A response has ended. A response that does not run has no effect.
    mutating func end(_ id: String, _ end: End) -> Reaction {
        guard let response = responses[id], response.isRunning else { return .none }
        if end == .needsOutputs, !response.entries.isEmpty {
            responses[id]?.isRunning = false
            return .wait(response.entries)
        }
        responses[id] = nil
        guard !response.entries.isEmpty else { return .none }
        release(response.entries)
        return end == .continuable ? .succeed(response.entries) : .refuse(response.entries)
    }

    /// The inputs that come before the input of a request which continues a response.
    func waiting(for id: String) -> [Entry] {
        responses[id].map { $0.isRunning ? [] : $0.entries } ?? []
    }

    /// A request with the waiting inputs has begun.
    mutating func commit(_ id: String) {
        guard let response = responses[id], !response.isRunning else { return }
        responses[id] = nil
        release(response.entries)
    }

    private mutating func release(_ entries: [Entry]) {
        count -= entries.count
        byteCount -= entries.reduce(0) { $0 + $1.byteCount }
    }
}
