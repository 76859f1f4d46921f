package import MartletProtocol
internal import NIOCore
internal import Synchronization

/// Orders to running generations.
extension GenerationRegistry {
    /// A generation that runs, whether or not it can be resumed. Otherwise like `generation(id:of:)`.
    package func runningOrKept(id: String, of owner: Owner) -> Generation? {
        if let generation = generation(id: id, of: owner) { return generation }
        return state.withLock { state in
            state.live.values.first { live in
                live.generation.terms.head.id == id && live.generation.terms.owner == owner
            }?.generation
        }
    }

    /// How a plain generation ended, if it did within the last minute.
    /// - Parameter name: its id, with or without the prefix of a wire format.
    package func recentEnd(id: String, named name: String, of owner: Owner) -> EndReason? {
        let now = clock()
        return state.withLock { $0.tombstones.end(id: id, named: name, of: owner, at: now) }
    }

    /// What the server keeps of a live generation's request, as it was submitted.
    package func origin(of generation: Generation) -> (any Sendable)? {
        state.withLock { $0.live[generation.handle]?.origin }
    }

    /// What can be changed of a live generation, as it is now.
    package func settings(of generation: Generation) -> AdjustableSettings? {
        state.withLock { $0.live[generation.handle]?.request?.settings }
    }

    /// Gives an order. Orders to one generation are obeyed in the order in which they were given.
    /// - Parameter requestID: an order that was given to this generation under the same name is not given again; the
    ///   reply is the first one's.
    package func give(
        _ action: ControlAction, to generation: Generation, requestID: String? = nil
    ) -> GivenOrder {
        let handle = generation.handle
        var engine: (any EngineService)?
        var number = ControlNumber(rawValue: 0)
        let ticket = state.withLock { state -> ControlTicket? in
            guard let live = state.live[handle] else { return nil }
            if let requestID, let known = live.orders.ticket(named: requestID) { return known }
            let ticket = ControlTicket()
            if let requestID { live.orders.remember(ticket, as: requestID) }
            state.lastControl += 1
            number = ControlNumber(rawValue: state.lastControl)
            live.orders.tickets[number] = ticket
            if case .submitted = live.stage {
                engine = state.engine
            } else {
                live.orders.early.append((number, action))
            }
            return ticket
        }
        guard let ticket else { return tooLate(generation) }
        engine?.control(handle, number, action)
        return GivenOrder(ticket: ticket)
    }

    /// The reply to an order to a generation that has ended; behind those to earlier ones.
    private func tooLate(_ generation: Generation) -> GivenOrder {
        let ticket = ControlTicket()
        var wakeups = Wakeups()
        generation.log.tell(.ended(generation.log.terminalEvent), to: ticket, &wakeups)
        wakeups.send()
        return GivenOrder(ticket: ticket)
    }

    /// Makes generations that begin with what this one has.
    /// - Parameter makeTerms: how a new one is known.
    /// - Throws: when the quota leaves no room for them.
    package func fork(
        _ generation: Generation, into changes: [SettingsChange], requestID: String? = nil,
        _ makeTerms: () -> GenerationTerms
    ) throws(GenerationQuota.Excess) -> GivenOrder {
        guard let request = state.withLock({ $0.live[generation.handle]?.request }) else {
            return tooLate(generation)
        }
        let isRepeated = requestID.map { name in
            state.withLock { $0.live[generation.handle]?.orders.ticket(named: name) != nil }
        }
        if isRepeated ?? false { return give(.status, to: generation, requestID: requestID) }
        var forks: [ForkedGeneration] = []
        do throws(GenerationQuota.Excess) {
            for change in changes {
                let fork = try prepare(makeTerms())
                forks.append(ForkedGeneration(handle: fork.handle, changes: change))
                adopt(fork, as: request.forked(as: forks[forks.count - 1]), from: generation)
            }
        } catch {
            discard(forks)
            throw error
        }
        let order = give(.fork(forks), to: generation, requestID: requestID)
        order.whenDone { [self, forks] reply in
            if case .applied = reply {} else { discard(forks) }
        }
        return order
    }

    /// The engine makes this generation itself.
    private func adopt(_ fork: Generation, as request: GenerationRequest, from original: Generation) {
        state.withLock { state in
            let source = state.live[original.handle]
            state.live[fork.handle]?.stage = .submitted
            state.live[fork.handle]?.request = request
            state.live[fork.handle]?.origin = source?.origin
            state.live[fork.handle]?.setSplitter(source?.firstSplitter)
            if fork.terms.isResumable { state.recorder?.submit(request, of: fork) }
        }
    }

    private func discard(_ forks: [ForkedGeneration]) {
        let error = EngineError(.invalidRequest, "The fork was refused.")
        receive(forks.map { EngineEvent($0.handle, .failed(error)) })
    }
}
