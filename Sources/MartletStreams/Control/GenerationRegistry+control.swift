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

    /// The end reason of a plain generation that ended within the last minute.
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

    /// The order that was given to a generation under this name before.
    package func order(named name: OrderName, to generation: Generation) throws(OrderNameError) -> GivenOrder? {
        try generation.order(named: name).map { GivenOrder(ticket: $0) }
    }

    /// Gives an order. Orders to one generation are obeyed in the order in which they were given.
    ///
    /// An order waits as long as events are missing that an earlier process told: its own event comes behind them. Asking for
    /// the status does not.
    /// - Parameter name: an order that was given to this generation under the same name is not given again; the reply is the
    ///   first one's, also after the generation's end and, where the generation is, in a later process.
    /// - Throws: when the name is another order's.
    package func give(
        _ action: ControlAction, to generation: Generation, named name: OrderName? = nil
    ) throws(OrderNameError) -> GivenOrder {
        let handle = generation.handle
        var now: (engine: any EngineService, number: ControlNumber)?
        let ticket = try state.withLock { state throws(OrderNameError) -> ControlTicket? in
            if let name, let known = try generation.order(named: name) { return known }
            guard let live = state.live[handle], live.completion == nil else { return nil }
            let ticket = ControlTicket()
            if let name { try generation.remember(ticket, as: name) }
            state.lastControl += 1
            let note = OrderNote(
                number: ControlNumber(rawValue: state.lastControl), name: name, forks: state.ids(ofForks: action))
            live.take(note, ticket)
            if action == .status, case .submitted = live.stage, let engine = state.engine {
                now = (engine, note.number)
                return ticket
            }
            if action != .status, name != nil || !note.forks.isEmpty, generation.terms.isResumable {
                state.recorder?.take(.order(note), of: generation, finished: nil)
            }
            live.orders.waiting.append((note.number, action))
            return ticket
        }
        guard let ticket else { return tooLate(generation) }
        if let now { now.engine.control(handle, now.number, action) }
        sendOrders(to: handle)
        return GivenOrder(ticket: ticket)
    }

    /// Hands the orders that wait to the engine, in their order, unless something stands against it.
    func sendOrders(to handle: GenerationHandle) {
        while true {
            let step = state.withLock { state -> (engine: any EngineService, orders: LiveOrders)? in
                guard let engine = state.engine, let live = state.live[handle], case .submitted = live.stage,
                    !live.orders.isSending, !live.orders.waiting.isEmpty, !live.generation.log.isBehind
                else { return nil }
                defer {
                    live.orders.isSending = true
                    live.orders.waiting = []
                }
                return (engine, live.orders)
            }
            guard let step else { return }
            for order in step.orders.waiting { step.engine.control(handle, order.number, order.action) }
            state.withLock { $0.live[handle]?.orders.isSending = false }
        }
    }

    /// The reply to an order to a generation that has ended; behind those to earlier ones.
    private func tooLate(_ generation: Generation) -> GivenOrder {
        let ticket = ControlTicket()
        var wakeups = Wakeups()
        // Of several choices it is the first that takes orders.
        let end = state.withLock { $0.live[generation.handle]?.completion.map { LogEvent.finished($0) } }
        generation.log.tell(.ended(end ?? generation.log.terminalEvent), to: ticket, &wakeups)
        wakeups.send()
        return GivenOrder(ticket: ticket)
    }

    /// Why a fork cannot be made.
    package enum ForkError: Error, Sendable, Equatable {
        /// The quota leaves no room.
        case excess(GenerationQuota.Excess)
        case name(OrderNameError)
    }

    /// Makes generations that begin with what this one has.
    /// - Parameter makeTerms: how a new one is known.
    package func fork(
        _ generation: Generation, into changes: [SettingsChange], named name: OrderName? = nil,
        _ makeTerms: () -> GenerationTerms
    ) throws(ForkError) -> GivenOrder {
        guard let request = state.withLock({ $0.live[generation.handle]?.request }) else {
            return tooLate(generation)
        }
        var forks: [ForkedGeneration] = []
        do throws(GenerationQuota.Excess) {
            for change in changes {
                let fork = try prepare(makeTerms())
                forks.append(ForkedGeneration(handle: fork.handle, changes: change))
                adopt(fork, as: request.forked(as: forks[forks.count - 1]), from: generation)
            }
        } catch {
            discard(forks)
            throw .excess(error)
        }
        let order: GivenOrder
        do throws(OrderNameError) {
            order = try give(.fork(forks), to: generation, named: name)
        } catch {
            discard(forks)
            throw .name(error)
        }
        order.whenDone { [self, forks] reply in
            // The first of two orders of one name made others.
            if case .applied(let record, _) = reply, case .forked(let made) = record.effect, made == forks.map(\.handle)
            {
                return
            }
            discard(forks)
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
            // What the original has told the fork tells again, and no other engine could.
            fork.log.raiseCaution()
            if fork.terms.isResumable { state.recorder?.submit(request, of: fork) }
        }
    }

    /// Ends what a fork did not make; what has ended is left alone.
    private func discard(_ forks: [ForkedGeneration]) {
        let error = EngineError(.invalidRequest, "The fork was refused.")
        receive(forks.map { EngineEvent($0.handle, .failed(error)) })
    }
}

extension GenerationRegistry.State {
    /// The ids of the generations that a fork is to make.
    fileprivate func ids(ofForks action: ControlAction) -> [String] {
        guard case .fork(let forks) = action else { return [] }
        return forks.compactMap { live[$0.handle]?.generation.terms.responseID }
    }
}
