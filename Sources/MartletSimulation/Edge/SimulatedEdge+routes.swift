import MartletGenerations
import MartletProtocol
import MartletStreams
import MartletTestSupport
import MartletWorkers
import NIOCore

/// The routes, without HTTP: each calls the core as the route of `MartletServer` does.
extension SimulatedEdge {
    /// The position at which a client continues.
    enum Cursor: Equatable {
        case beginning
        /// Behind so many bytes of the newest stream of a label.
        case byte(Int, label: String)
        /// Behind the event of the last `id:` line (`Last-Event-ID`).
        case behind(EventIdentifier)
        /// At an event (`from_event`).
        case event(Int)
    }

    /// Runs a request handler as a task. A reply that it throws is the response.
    private func handle(
        _ connection: SimulatedConnection, _ body: @escaping @Sendable () async throws -> Void
    ) {
        handlerCount += 1
        Task {
            do {
                try await body()
            } catch let error as GenerationError {
                respond(.error(error), on: connection)
            } catch {
                respond(.unavailable, on: connection)
            }
            handlerCount -= 1
        }
    }

    private func respond(_ reply: SimulatedConnection.Reply, on connection: SimulatedConnection) {
        connection.eventLoop.execute { connection.send(.reply(reply)) }
    }

    // MARK: Completions

    /// `POST /v1/completions`: a stream, the whole output, or the state of a background generation.
    func complete(_ request: SimulatedRequest, on connection: SimulatedConnection) {
        handle(connection) { [self] in
            let generation = try await start(request, on: connection)
            let spec = generation.spec
            if spec.streams { return stream(generation, generation.response, from: StreamPosition(), on: connection) }
            if spec.lifetime == .background {
                return respond(.state(id: spec.head.id, registry.status(of: generation).state), on: connection)
            }
            if spec.isResumable {
                await wait(for: generation, on: connection)
            } else if request.isStored {
                await generation.log.waitForVisibleEnd()
            } else {
                await generation.log.waitForEnd()
            }
            guard generation.log.terminalEvent != nil else { return respond(.unavailable, on: connection) }
            let id = spec.isResumable ? spec.head.id : nil
            respond(.whole(id: id, generation.log.events), on: connection)
        }
    }

    /// Begins a generation, which ends with its connection if it is plain.
    private func start(
        _ request: SimulatedRequest, on connection: SimulatedConnection
    ) async throws(GenerationError) -> Generation {
        do throws(GenerationError) {
            return try await completions.start(request.plan, request.terms, on: connection.eventLoop) {
                [registry] generation in
                world.truth.add(request, generation)
                guard !generation.spec.isResumable else { return passWait() }
                if request.isStored { store(generation) }
                connection.eventLoop.execute { connection.onDisconnect { registry.cancel(generation.handle) } }
            }
        } catch {
            world.truth.refuse(request)
            throw error
        }
    }

    /// A resumable generation has begun. Until the model is ready its journal has no request.
    private func passWait() {
        if case .ready = modelReadiness.state { return }
        world.pass(.wait)
    }

    /// Holds the end of a generation until its response has a file, as `ResponseStore` does. The file of a slow disk
    /// comes later than readers wait.
    private func store(_ generation: Generation) {
        generation.log.holdEnd()
        let id = generation.spec.head.id
        handlerCount += 1
        Task {
            await generation.log.waitForEnd()
            // Readers wait for 250 ms.
            world.truth.update(id) { $0.storageDeadline = world.scheduler.now + 150_000_000 }
            try? await SupervisorClock.simulated(world.scheduler, on: tasks).sleep(.milliseconds(world.storageTime))
            world.truth.update(id) { $0.storageDeadline = 0 }
            generation.log.releaseEnd()
            handlerCount -= 1
        }
    }

    /// Waits for the end, for a time, or until the client has gone. The wait counts as a reader.
    private func wait(
        for generation: Generation, upTo timeout: TimeAmount? = nil, on connection: SimulatedConnection
    ) async {
        let lease = generation.acquireReaderLease(clock: registryClock)
        let waiting = Task {
            if let timeout {
                await generation.log.waitForEnd(upTo: timeout, on: connection.eventLoop)
            } else {
                await generation.log.waitForEnd()
            }
            lease.release()
        }
        connection.eventLoop.execute { connection.onDisconnect { waiting.cancel() } }
        await waiting.value
    }

    private var registryClock: @Sendable () -> NIODeadline {
        { [scheduler = world.scheduler] in
            .uptimeNanoseconds(scheduler.now)
        }
    }

    private func stream(
        _ generation: Generation, _ encodedStream: EncodedStream, from position: StreamPosition,
        on connection: SimulatedConnection
    ) {
        let lease = generation.acquireReaderLease(clock: registryClock)
        let reader = StreamReader(encodedStream, from: position, loop: loops.loop(for: connection.eventLoop)) { _ in
            lease.release()
        }
        let id = generation.spec.isResumable ? generation.spec.head.id : nil
        connection.eventLoop.execute {
            connection.send(.stream(id: id))
            connection.attach(reader)
        }
    }

    // MARK: Streams and generations

    /// `GET /v1/stream/{label}?from=` and `GET /v1/generations/{id}/events`.
    func read(id: String, of owner: Owner, from cursor: Cursor, on connection: SimulatedConnection) {
        handle(connection) { [self] in
            if case .byte(let offset, let label) = cursor {
                let generation = try await find(on: connection) { self.registry.generation(labelled: label, of: owner) }
                let encodedStream = generation.response
                if generation.log.extent.isEnded, !generation.isRestored, offset > encodedStream.byteCount() {
                    throw GenerationError(.notFound, "416: the stream has ended before byte \(offset)")
                }
                return stream(generation, encodedStream, from: encodedStream.position(ofByte: offset), on: connection)
            }
            let generation = try await find(on: connection) { self.registry.generation(id: id, of: owner) }
            let encodedStream = generation.numberedResponse
            // The extent first: a log that ends afterwards is only longer.
            let extent = generation.log.extent
            let position = try position(of: cursor, in: encodedStream, extent, isRestored: generation.isRestored)
            if extent.isEnded, position.awaited == nil, position.cursor.position == extent.count {
                return respond(.nothingLeft, on: connection)
            }
            stream(generation, encodedStream, from: position, on: connection)
        }
    }

    private func find(
        on connection: SimulatedConnection, _ lookup: @Sendable () -> Generation?
    ) async throws(GenerationError) -> Generation {
        try await recovery.lookUp(on: connection.eventLoop) { () throws(GenerationError) in
            guard let generation = lookup() else { throw GenerationError(.notFound, "Generation not found or expired") }
            return generation
        }
    }

    /// The position of a cursor, as `EventStart` computes it.
    private func position(
        of cursor: Cursor, in encodedStream: EncodedStream, _ extent: GenerationLog.Extent, isRestored: Bool
    ) throws(GenerationError) -> StreamPosition {
        let identifier: EventIdentifier
        switch cursor {
        case .beginning, .byte, .event(0): return StreamPosition()
        case .event(let number):
            let last = extent.isEnded ? extent.nextNumber - 1 : extent.nextNumber
            if number <= last, let position = encodedStream.position(behind: number - 1) { return position }
            identifier = EventIdentifier(number: number - 1)
        case .behind(let wanted):
            if let position = encodedStream.position(behind: wanted) { return position }
            identifier = wanted
        }
        guard isRestored else {
            throw GenerationError(.notFound, "400: event \(identifier.number) was never issued")
        }
        return encodedStream.position(awaiting: identifier)
    }

    /// `GET /v1/generations/{id}/result?wait=`.
    func result(id: String, of owner: Owner, waiting time: TimeAmount?, on connection: SimulatedConnection) {
        handle(connection) { [self] in
            let generation = try await find(on: connection) { self.registry.generation(id: id, of: owner) }
            if let time { await wait(for: generation, upTo: time, on: connection) }
            guard generation.log.terminalEvent != nil else {
                return respond(.state(id: id, registry.status(of: generation).state), on: connection)
            }
            respond(.whole(id: id, generation.log.events), on: connection)
        }
    }

    /// `GET /v1/generations`: an export of all ids that an owner sees.
    func list(of owner: Owner, on connection: SimulatedConnection) {
        handle(connection) { [self] in
            try await recovery.complete(on: connection.eventLoop)
            let generations = registry.generations(of: owner)
            respond(.list(generations.map { ($0.spec.head.id, $0.spec.owner, $0.spec.label) }), on: connection)
        }
    }

    // MARK: Changes

    /// `POST /v1/generations/{id}/control`.
    func send(
        _ action: ControlRequest.Action, identity: CommandIdentity?, to id: String, of owner: Owner,
        on connection: SimulatedConnection
    ) {
        handle(connection) { [self] in
            let generation = try await recovery.lookUp(on: connection.eventLoop) { () throws(GenerationError) in
                try self.control.generation(.id(id), of: owner)
            }
            let known = try identity.flatMap { identity throws(GenerationError) in
                try control.sentCommand(identity: identity, to: generation)
            }
            let sent =
                try known ?? control.send(ControlRequest(action: action), identity: identity, to: generation)
            if case .fork = action, known == nil, generation.log.terminalEvent == nil {
                world.pass(.fork)
                if generation.spec.choiceCount > 1 { world.pass(.forkOfChoices) }
            }
            note(sent)
            let waiting = Task { try await sent.reply() }
            connection.eventLoop.execute { connection.onDisconnect { waiting.cancel() } }
            respond(.command(try await waiting.value), on: connection)
        }
    }

    /// `DELETE /v1/generations/{id}`, or `DELETE /v1/stream/{label}` with a label.
    func delete(id: String, label: String?, of owner: Owner, on connection: SimulatedConnection) {
        world.pass(.deletion)
        handle(connection) { [self] in
            guard let label else {
                let generation = try await find(on: connection) { self.registry.liveOrRetained(id: id, of: owner) }
                let deletion = try await registry.delete(generation)
                if deletion == .removed { checkRemoval(of: generation) }
                return respond(.deletion(deletion), on: connection)
            }
            // The request may have waited while generations of its label began.
            world.truth.beginDeletion(ofLabel: label, of: owner)
            var deletion = try await registry.delete(labelled: label, of: owner)
            if deletion != .stopped, recovery.isRecovering {
                try await recovery.complete(on: connection.eventLoop)
                world.truth.beginDeletion(ofLabel: label, of: owner)
                deletion = try await registry.delete(labelled: label, of: owner) ?? deletion
            }
            respond(.deletion(deletion), on: connection)
        }
    }
}

extension SimulatedEdge {
    /// A removed generation is in no map, and no file has its name or its prompt. Its forks have the same prompt.
    private func checkRemoval(of generation: Generation) {
        let id = generation.spec.head.id
        if registry.generation(id: id, of: generation.spec.owner) != nil {
            world.fail(.deletion, "\(id.prefix(6)) is found after its deletion")
        }
        guard storage != nil else { return }
        let names = world.disk.paths(with: id).filter { $0.contains(id) }
        if let name = names.first { world.fail(.deletion, "\(id.prefix(6)) has the file \(name) after its deletion") }
        world.truth.removed.append(
            SimulationTruth.Removed(id: id, process: number, time: world.scheduler.now, generation: generation))
        guard let prompt = world.truth.records[id]?.request.prompt, world.truth.isUnique(prompt) else { return }
        if let path = world.disk.paths(with: "\"\(prompt)\"").first {
            world.fail(.deletion, "the prompt of \(id.prefix(6)) is in \(path) after its deletion")
        }
    }
}

// MARK: Realtime

extension SimulatedEdge {
    /// The realtime message `generate`: a generation that does not end with its socket, and a reader of it.
    /// - Parameter credit: the number of events that the client accepts at first; nil = all.
    func generate(_ request: SimulatedRequest, on channel: SocketChannel, credit: Int?) {
        channel.eventLoop.execute { [self] in
            do throws(GenerationError) {
                let generation = try completions.begin(request.plan, request.terms, on: channel.eventLoop)
                world.truth.add(request, generation)
                passWait()
                channel.acknowledge(id: generation.spec.head.id)
                attach(channel, to: generation, from: StreamPosition(), until: credit)
            } catch {
                channel.refuse(isMissing: false, isWrongCursor: false)
            }
        }
    }

    /// The realtime message `attach`: a reader with credit on a socket.
    /// - Parameter credit: the number of events that the client accepts at first; nil = all.
    func attach(
        _ channel: SocketChannel, to id: String, of owner: Owner, behind last: EventIdentifier?, credit: Int?
    ) {
        channel.eventLoop.execute { [self] in
            let generation: Generation
            do throws(GenerationError) {
                generation = try recovery.lookUpNow { () throws(GenerationError) in
                    guard let found = registry.liveOrRetained(id: id, of: owner) else {
                        throw GenerationError(.notFound, "Generation not found or expired")
                    }
                    return found
                }
            } catch {
                return channel.refuse(isMissing: error.kind == .notFound, isWrongCursor: false)
            }
            let encodedStream = generation.messages
            var position = StreamPosition()
            if let last {
                if let found = encodedStream.position(behind: last) {
                    position = found
                } else if generation.isRestored {
                    position = encodedStream.position(awaiting: last)
                } else {
                    return channel.refuse(isMissing: false, isWrongCursor: true)
                }
            }
            attach(channel, to: generation, from: position, until: credit.map { (last?.number ?? -1) + 1 + $0 })
        }
    }

    /// Attaches a reader to a channel, on its event loop.
    private func attach(
        _ channel: SocketChannel, to generation: Generation, from position: StreamPosition, until event: Int?
    ) {
        let lease = generation.acquireReaderLease(clock: registryClock)
        let reader = StreamReader(
            generation.messages, from: position, untilEvent: event, loop: loops.loop(for: channel.eventLoop)
        ) { _ in lease.release() }
        channel.attach(reader)
    }
}
