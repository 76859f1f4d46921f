internal import NIOCore

/// Which connections hold one of the server's places, and which requests of the others are served.
///
/// For example, with 4 places: 3 readers and an idle connection hold them. A fifth connection is an extra one. Its
/// `GET /health` is served; its `POST /v1/completions` gets the place of the idle connection, which is closed; its
/// `GET …/events` is refused.
///
/// A quarter of the places is kept for requests that read no stream, so that readers never hold all of them. A value
/// without clock or lock: its user closes the connections that it names.
struct ConnectionLimiter<ID: Hashable & Sendable>: Sendable {
    /// The meaning of a request for the places.
    enum Purpose: Sendable, Hashable {
        case ordinary
        /// Health, slots, stops of generations and orders to them: served on extra connections too.
        case essential
        /// Shows a generation that another request began.
        case reading
    }
    enum Decision: Equatable, Sendable {
        case served
        /// Served, and this connection, which has no request, is to be closed for it.
        case servedReplacing(ID)
        case refused
    }
    private enum State {
        /// Since a moment, counted in changes.
        case idle(UInt64)
        case busy
        case reading
    }

    let limit: Int
    /// Most places of connections that read.
    private let readerLimit: Int
    private let extraLimit: Int
    private var admitted: [ID: State] = [:]
    private var readerCount = 0
    /// Whether an extra connection has a request.
    private var extras: [ID: Bool] = [:]
    /// Extra connections in their order, with entries of connections that are gone or have a request.
    private(set) var extraOrder: CircularBuffer<ID> = CircularBuffer()
    /// Idle connections in their order, with outdated entries among them.
    private var idleOrder: CircularBuffer<(id: ID, since: UInt64)> = CircularBuffer()
    private var idleCount = 0
    private var changes: UInt64 = 0

    init(limit: Int, extraLimit: Int) {
        self.limit = limit
        self.extraLimit = extraLimit
        readerLimit = max(1, limit - max(1, limit / 4))
    }

    func isExtra(_ id: ID) -> Bool { extras[id] != nil }

    /// A connection was opened.
    /// - Returns: the connection that is to be closed: an extra one without a request, or the new one if all have a
    ///   request.
    mutating func open(_ id: ID) -> ID? {
        guard admitted.count >= limit else {
            admitted[id] = idle(id)
            return nil
        }
        var evicted: ID?
        if extras.count >= extraLimit { evicted = removeWaitingExtra() ?? id }
        if evicted == id { return id }
        extras[id] = false
        // Outdated entries do not outnumber the others for long.
        if extraOrder.count > 2 * extras.count + 64 {
            extraOrder = CircularBuffer(extraOrder.filter { extras[$0] == false })
        }
        extraOrder.append(id)
        return evicted
    }

    private mutating func removeWaitingExtra() -> ID? {
        while let id = extraOrder.popFirst() {
            guard extras[id] == false else { continue }
            extras[id] = nil
            return id
        }
        return nil
    }

    mutating func close(_ id: ID) {
        extras[id] = nil
        setState(id, to: nil)
    }

    /// The head of a request came.
    mutating func begin(_ id: ID) {
        if extras[id] != nil { extras[id] = true } else { setState(id, to: .busy) }
    }

    /// The response has ended.
    mutating func end(_ id: ID) {
        guard admitted[id] != nil else { return }
        setState(id, to: idle(id))
    }

    /// Whether the request of a connection is served.
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

    /// Changes the state of a connection that has a place; `nil` = it has none any more.
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

    private mutating func idle(_ id: ID) -> State {
        changes += 1
        idleCount += 1
        // Outdated entries do not outnumber the others for long.
        if idleOrder.count > 2 * idleCount + 64 { idleOrder = CircularBuffer(idleOrder.filter { isCurrent($0) }) }
        idleOrder.append((id, changes))
        return .idle(changes)
    }

    private func isCurrent(_ entry: (id: ID, since: UInt64)) -> Bool {
        guard case .idle(entry.since)? = admitted[entry.id] else { return false }
        return true
    }

    private mutating func longestIdle() -> ID? {
        while let entry = idleOrder.popFirst() {
            if isCurrent(entry) { return entry.id }
        }
        return nil
    }
}
