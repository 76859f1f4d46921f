import MartletGenerations
import MartletProtocol
import MartletStreams

/// A client that begins a streamed completion, loses its connection, and comes back with one of three cursors.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class ReadingClient: SimulatedClient, @unchecked Sendable {
    /// The way in which the client names its position when it comes back.
    private enum CursorKind: CaseIterable {
        case bytes
        case lastEvent
        case fromEvent
    }
    private enum State {
        /// No request was sent yet.
        case fresh
        case open(SimulatedConnection, isNumbered: Bool)
        /// The connection is lost; the generation goes on.
        case away
    }
    /// The client's request, without its owner.
    private let request: SimulatedRequest
    /// The cursor of later connections.
    private let cursorKind: CursorKind
    /// One of so many receptions loses the connection.
    private let receptionsPerCut: Int
    /// The state of the connection.
    private var state = State.fresh
    /// The id of the generation, once the client knows it.
    private var id: String?
    /// Everything that the client has received.
    private var stream = ReceivedStream()
    /// The bytes of a first connection whose client counts events.
    private var unnumbered = ReceivedStream()
    /// The number of times that the client reads the whole stream.
    private var readings: Int
    /// The number of times in a row that a stream ended without a byte.
    private var emptyCount = 0
    /// The number of the process that the client has read from.
    private var lastProcess = 1
    /// The number of times that the client still looks for a server.
    private var patience = 60
    /// Whether no request was tried yet.
    private var isFirstTry: Bool { patience == 60 }

    init(number: Int, in world: SimulatedWorld) {
        var random = SimulationRandom(seed: world.plan.seed, part: 2 << 40 + UInt64(number))
        let form = random.element(of: ["prompt", "chat", "chat", "heads", "heads", "grammar"])
        var request = SimulatedRequest(
            prompt: "\(form) \(random.below(1_000)) of reader \(number)", seed: UInt64(random.below(1_000)))
        request.lifetime = random.element(of: [.plain, .resumable, .resumable, .resumable, .background])
        request.choices = random.element(of: [1, 1, 1, 2, 3])
        if request.lifetime != .plain, random.chance(1, of: 3) {
            request.label = random.element(of: ["x", "x::1", "y"])
        }
        request.maximumTokens = random.element(of: [nil, nil, 0, 5, 30])
        request.reportsTimings = random.chance(1, of: 6)
        request.reportsProgress = random.chance(1, of: 4)
        request.hasPings = random.chance(1, of: 4)
        request.isStored = request.lifetime == .plain && random.chance(1, of: 2)
        if random.chance(1, of: 20) { request.prompt = "long \(request.prompt)" }
        cursorKind =
            request.label == nil
            ? random.element(of: [.lastEvent, .fromEvent]) : random.element(of: CursorKind.allCases)
        receptionsPerCut = random.element(of: [.max, 60, 12, 4])
        readings = random.number(1...3)
        self.request = request
        super.init("reader", number: number, in: world)
    }

    /// The request with its owner.
    private var ownRequest: SimulatedRequest {
        var own = request
        own.owner = owner
        return own
    }

    override func act() -> Bool {
        switch state {
        case .fresh:
            guard world.hasFaults || !isFirstTry else { return false }
            guard let connection = connect(), let edge = world.edge else { return wait() }
            record("asks for a \(request.lifetime) stream of '\(request.prompt)', \(request.choices) choices")
            edge.complete(ownRequest, on: connection)
            state = .open(connection, isNumbered: false)
        case .open(let connection, let isNumbered): return receive(connection, isNumbered: isNumbered)
        case .away:
            guard let connection = connect(), let edge = world.edge, let id else { return true }
            if edge.number != lastProcess, random.chance(1, of: 3) { stopGeneration(id, edge) }
            lastProcess = edge.number
            let cursor = cursor
            record("comes back to \(id.prefix(6)) \(cursor)")
            stream.reconnect()
            edge.read(id: id, of: owner, from: cursor, on: connection)
            state = .open(connection, isNumbered: cursorKind != .bytes)
        }
        return true
    }

    /// Stops the generation, and reads on to its end.
    private func stopGeneration(_ id: String, _ edge: SimulatedEdge) {
        guard let connection = connect() else { return }
        record("stops \(id.prefix(6))")
        world.truth.update(id) { $0.isDeleting = true }
        edge.delete(id: id, label: nil, of: owner, on: connection)
    }

    /// Waits for a server, but not for ever.
    private func wait() -> Bool {
        patience -= 1
        return patience > 0
    }

    /// The position behind the last part that was received.
    private var cursor: SimulatedEdge.Cursor {
        switch (cursorKind, stream.last) {
        case (.bytes, _): .byte(stream.bytes.count, label: request.label ?? "")
        case (_, nil): .beginning
        case (.lastEvent, let last?): .behind(last)
        // The begin of an event whose parts are not all there is named again.
        case (.fromEvent, let last?): last.parts == nil ? .event(last.number + 1) : .behind(last)
        }
    }

    // MARK: Receiving

    /// Receives some bytes, loses the connection, or notices its end.
    private func receive(_ connection: SimulatedConnection, isNumbered: Bool) -> Bool {
        if case .reply(let reply)? = connection.head { return finish(with: reply) }
        if let head = connection.head, case .stream(let received) = head {
            guard learn(received) else {
                connection.closeByClient()
                return false
            }
            if connection.availableCount > 0 {
                noteProgress()
                emptyCount = 0
                let count =
                    random.chance(1, of: 2) ? connection.availableCount : random.number(1...connection.availableCount)
                add(connection.receive(count), isNumbered: isNumbered)
                if random.chance(1, of: receptionsPerCut), world.hasFaults || receptionsPerCut > 4 {
                    record("loses its connection")
                    connection.closeByClient()
                    // A client that has the last event does not come back for more.
                    return hasEnd(isNumbered: isNumbered) ? responseEnded(isNumbered: isNumbered) : leave()
                }
                return true
            }
        }
        guard connection.isEnded || connection.isClosed else { return true }
        record("sees the end of its connection")
        return connection.isEnded || hasEnd(isNumbered: isNumbered) ? responseEnded(isNumbered: isNumbered) : leave()
    }

    /// Whether the client has the terminal event.
    private func hasEnd(isNumbered: Bool) -> Bool {
        (isNumbered || cursorKind == .bytes || id == nil ? stream : unnumbered).endCount > 0
    }

    /// The client reads the id in the head.
    /// - Returns: `false` = the stream is that of another generation, which has the label now.
    private func learn(_ received: String?) -> Bool {
        guard let received else { return true }
        if let id { return id == received }
        id = received
        world.truth.update(received) { $0.isKnown = true }
        record("learns the id \(received.prefix(6))")
        return true
    }

    /// Adds received bytes, and compares them with those of other clients.
    private func add(_ bytes: [UInt8], isNumbered: Bool) {
        guard let id else { return addPlain(bytes) }
        if isNumbered {
            // Behind lost records the generation may end with a smaller number.
            let mayLack = world.truth.records[id]?.mayLack == true
            func report(_ fault: String) { if !mayLack { world.fail(.everyEventOnce, "\(name): \(fault)") } }
            for part in stream.add(numbered: bytes, fault: report) {
                let key = SimulationTruth.PartKey(number: part.identifier.number, part: part.identifier.parts ?? 0)
                var content = part.bytes
                if content == Array(SimulationView.handover.utf8) {
                    content = Array(SimulationView.handoverInReplay.utf8)
                }
                if let fault = world.truth.add(part: content, key, of: id) { world.fail(.replay, "\(name): \(fault)") }
            }
        } else if cursorKind == .bytes {
            stream.add(bytes: bytes)
            check(stream.comparableBytes, of: id)
        } else {
            unnumbered.add(bytes: bytes)
            check(unnumbered.comparableBytes, of: id)
        }
        if stream.endCount > 1 { world.fail(.oneEnd, "\(name) received \(stream.endCount) terminal events") }
    }

    /// Compares bytes with those of other clients.
    private func check(_ bytes: [UInt8], of id: String) {
        // A client that counts bytes may have had some of a lost event: the rest of the terminal event follows them
        // (decision 0084), which is no event that a reader joins.
        var known = bytes[...]
        if let generation = world.edge?.registry.generation(id: id, of: owner), generation.isRestored,
            generation.log.extent.isEnded
        {
            known = bytes.prefix(SimulationChecks.wholeBytes(id, owner, world))
        }
        guard let offset = world.truth.add(bytes: Array(known), of: id),
            offset < SimulationChecks.wholeBytes(id, owner, world)
        else { return }
        world.fail(.replay, "\(name): byte \(offset) of \(id.prefix(6)) differs between two readings")
    }

    private func addPlain(_ bytes: [UInt8]) { stream.add(bytes: bytes) }

    // MARK: Ends

    /// The connection is lost before the end of the stream.
    private func leave() -> Bool {
        guard id != nil else { return false }
        state = .away
        return true
    }

    /// The server has sent the whole response.
    private func responseEnded(isNumbered: Bool) -> Bool {
        guard id != nil else {
            if stream.endCount != 1 { world.fail(.oneEnd, "\(name): a plain stream ended without a terminal event") }
            SimulationChecks.checkStorage(of: ownRequest, for: name, in: world)
            return false
        }
        let received = isNumbered || cursorKind == .bytes ? stream : unnumbered
        // Without a terminal event the server has shut down, and the generation continues in the next one.
        guard received.endCount == 1 else {
            emptyCount += 1
            // Behind lost records the generation may have ended within bytes that the client has as other bytes.
            // So may a client that counts bytes, and has as many as an early end has left (decision 0084).
            let mayHaveEnd =
                world.truth.records[id ?? ""]?.mayLack == true
                || cursorKind == .bytes && SimulationChecks.wholeBytes(id ?? "", owner, world) < .max
            return emptyCount > 50 && mayHaveEnd ? false : leave()
        }
        world.truth.update(id ?? "") { $0.isEndSeen = true }
        return readAgain()
    }

    /// Reads the whole stream again, a few times.
    private func readAgain() -> Bool {
        readings -= 1
        guard readings > 0 else { return false }
        stream.restart()
        unnumbered.restart()
        return leave()
    }

    /// Acts on a response without a stream.
    private func finish(with reply: SimulatedConnection.Reply) -> Bool {
        switch reply {
        case .nothingLeft:
            let mayLack = world.truth.records[id ?? ""]?.mayLack == true
            if stream.endCount != 1, !mayLack {
                world.fail(.everyEventOnce, "\(name): the server says that nothing is left")
            }
            return readAgain()
        case .error(let error):
            record("gets an error: \(error.message)")
            return handle(error)
        default:
            return leave()
        }
    }

    /// Acts on an error.
    private func handle(_ error: GenerationError) -> Bool {
        guard let id else {
            state = .fresh
            if error.kind != .unavailable { world.reach(.refusal) }
            // A refusal ends the client; a server that starts or ends does not.
            return error.kind == .unavailable && wait()
        }
        switch error.kind {
        case .notFound:
            if error.message.hasPrefix("400") { world.fail(.everyEventOnce, "\(name): \(error.message)") }
            SimulationChecks.missing(id, isByLabel: cursorKind == .bytes, to: name, in: world)
            return false
        case .unavailable: return leave()
        default:
            world.fail(.survival, "\(name): reading \(id.prefix(6)) fails: \(error.message)")
            return false
        }
    }
}
