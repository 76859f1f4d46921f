internal import MartletGenerations
internal import MartletJSON
internal import MartletStreams
internal import OrderedCollections

/// The responses of one WebSocket, which its later requests continue even if they are not stored.
///
/// The oldest go when a limit is reached; a request that continues one of them gets `previous_response_not_found`, and
/// its client sends the whole input.
struct LocalResponses: Sendable {
    private struct Entry {
        var found: ResponseStore.Found
        var byteCount: Int
    }

    /// Responses of one WebSocket.
    static let countLimit = 1_000
    /// Bytes of their requests and logs together.
    static let byteLimit = 32 << 20

    /// By the id without its prefix, the oldest first.
    private var entries: OrderedDictionary<String, Entry> = [:]
    private(set) var byteCount = 0

    /// The number of responses.
    var count: Int { entries.count }

    /// Adds a response that has begun.
    /// - Parameters:
    ///   - request: the body of its request.
    ///   - byteCount: the size of the request in bytes.
    mutating func add(_ generation: Generation, _ request: JSONValue, byteCount: Int) {
        entries[generation.spec.head.id] = Entry(found: .running(generation, request), byteCount: byteCount)
        self.byteCount += byteCount
        trim()
    }

    /// Replaces a generation that has ended by its response, so that its log need not stay in memory.
    mutating func settle(_ generation: Generation) {
        let id = generation.spec.head.id
        guard let entry = entries[id], case .running(_, let request) = entry.found else { return }
        guard let stored = StoredResponse(of: generation, .responses, request) else {
            byteCount -= entry.byteCount
            entries[id] = nil
            return
        }
        let size = entry.byteCount + generation.log.extent.byteCount
        byteCount += size - entry.byteCount
        entries[id] = Entry(found: .ended(stored), byteCount: size)
        trim()
    }

    private mutating func trim() {
        while entries.count > 1, entries.count > Self.countLimit || byteCount > Self.byteLimit {
            byteCount -= entries.removeFirst().value.byteCount
        }
    }

    /// A response by its id with the dialect's prefix.
    func found(_ id: String) -> ResponseStore.Found? {
        guard let entry = entries[ResponseHistory.digits(of: id)] else { return nil }
        guard case .running(let generation, let request) = entry.found else { return entry.found }
        // Its last event may be on the way to the client.
        return StoredResponse(of: generation, .responses, request).map { .ended($0) } ?? entry.found
    }
}
