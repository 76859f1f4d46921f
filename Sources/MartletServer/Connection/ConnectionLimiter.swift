internal import NIOCore

/// Decides which connections are within the limit, and which requests of other connections are served.
///
/// Example with 4 places: 3 readers and an idle connection hold them. A fifth connection is an extra one. Its
/// `GET /health` is served; its `POST /v1/completions` gets the place of the idle connection, which is closed; its
/// `GET …/events` is refused.
///
/// A quarter of the places is reserved for requests that read no stream, so readers never hold all of them. The type
/// has
/// neither clock nor lock: its user closes the connections that it names.
///
/// - Complexity: amortized O(1) per event. Queues have outdated entries, which are skipped and compacted.
struct ConnectionLimiter<ID: Hashable & Sendable>: Sendable {
    /// The kind of a request with regard to the limit.
    enum Purpose: Sendable, Hashable {
        case ordinary
        /// Health, slots, stops and control commands: served on extra connections too.
        case essential
        /// Reads a generation that another request began.
        case reading
    }
    /// The decision about a request.
    enum Decision: Equatable, Sendable {
        case served
        /// Served in the place of this idle connection, which must be closed.
        case servedReplacing(ID)
        case refused
    }
    private enum State {
        /// Without a request since this number of changes.
        case idle(UInt64)
        case busy
        case reading
    }

    let limit: Int
    /// The most connections that read streams.
    private let readerLimit: Int
    /// The most connections beyond the limit.
    private let extraLimit: Int
    /// Connections with a place.
    private var admitted: [ID: State] = [:]
    private var readerCount = 0
    /// Connections beyond the limit; true = a request has begun.
    private var extras: [ID: Bool] = [:]
    /// Extra connections, the oldest first. May contain connections that are closed or have a request.
    private(set) var extraOrder: CircularBuffer<ID> = CircularBuffer()
    /// Idle connections, the longest idle first. May contain outdated entries.
    private var idleOrder: CircularBuffer<(id: ID, since: UInt64)> = CircularBuffer()
    private var idleCount = 0
    private var changes: UInt64 = 0

    init(limit: Int, extraLimit: Int) {
        self.limit = limit
        self.extraLimit = extraLimit
        readerLimit = max(1, limit - max(1, limit / 4))
    }

    /// Whether a connection is beyond the limit.
    func isExtra(_ id: ID) -> Bool { extras[id] != nil }

    /// A connection is opened.
    /// - Returns: the connection that must be closed if there are too many extra ones: the oldest extra connection
    ///   without a
    ///   request, or the new one if each has a request.
    mutating func open(_ id: ID) -> ID? {
        guard admitted.count >= limit else {
            admitted[id] = idle(id)
            return nil
        }
        var evicted: ID?
        if extras.count >= extraLimit { evicted = removeWaitingExtra() ?? id }
        if evicted == id { return id }
        extras[id] = false
        // Compact when most entries are outdated.
        if extraOrder.count > 2 * extras.count + 64 {
            extraOrder = CircularBuffer(extraOrder.filter { extras[$0] == false })
        }
        extraOrder.append(id)
        return evicted
    }

    /// Removes the oldest extra connection without a request.
    private mutating func removeWaitingExtra() -> ID? {
        while let id = extraOrder.popFirst() {
            guard extras[id] == false else { continue }
            extras[id] = nil
            return id
        }
        return nil
    }

    /// A connection is closed. Its place is free.
    mutating func close(_ id: ID) {
        extras[id] = nil
        setState(id, to: nil)
    }

    /// The head of a request has arrived.
    mutating func begin(_ id: ID) {
        if extras[id] != nil { extras[id] = true } else { setState(id, to: .busy) }
    }

    /// The response has ended.
    mutating func end(_ id: ID) {
        guard admitted[id] != nil else { return }
        setState(id, to: idle(id))
    }

    /// Decides whether a request is served. An extra connection that is served gets a place, except for essential
    /// requests.
    mutating func admit(_ id: ID, for purpose: Purpose) -> Decision {
        guard purpose != .essential else { return .served }
        if purpose == .reading, readerCount >= readerLimit { return .refused }
        var decision = Decision.served
        if extras[id] != nil {
            if admitted.count >= limit {
                guard purpose == .ordinary, let other = longestIdle() else { return .refused }
                setState(other, to: nil)
                decision = .servedReplacing(other)
            }
            extras[id] = nil
            admitted[id] = .busy
        }
        if purpose == .reading { setState(id, to: .reading) }
        return decision
    }

    // MARK: States

    /// Changes the state of a connection with a place; nil = the place is free.
    private mutating func setState(_ id: ID, to state: State?) {
        guard let old = admitted[id] else { return }
        switch old {
        case .idle: idleCount -= 1
        case .reading: readerCount -= 1
        case .busy: break
        }
        admitted[id] = state
        switch state {
        case .reading?: readerCount += 1
        default: break
        }
    }

    /// Records that a connection is idle from now on.
    private mutating func idle(_ id: ID) -> State {
        changes += 1
        idleCount += 1
        // Compact when most entries are outdated.
        if idleOrder.count > 2 * idleCount + 64 { idleOrder = CircularBuffer(idleOrder.filter { isCurrent($0) }) }
        idleOrder.append((id, changes))
        return .idle(changes)
    }

    /// Whether an entry of `idleOrder` is not outdated.
    private func isCurrent(_ entry: (id: ID, since: UInt64)) -> Bool {
        guard case .idle(entry.since)? = admitted[entry.id] else { return false }
        return true
    }

    /// Removes and returns the connection that is idle for the longest time.
    private mutating func longestIdle() -> ID? {
        while let entry = idleOrder.popFirst() {
            if isCurrent(entry) { return entry.id }
        }
        return nil
    }
}
