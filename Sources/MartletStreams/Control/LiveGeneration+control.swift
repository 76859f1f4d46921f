internal import MartletProtocol
internal import NIOCore

extension LiveGeneration {
    /// Keeps what there is to know of an order until it is answered.
    func take(_ note: OrderNote, _ ticket: ControlTicket) {
        orders.tickets[note.number] = ticket
        if !note.forks.isEmpty { orders.forks[note.number] = note.forks }
    }

    /// Writes what became of an order into the log, unless it changed nothing, and tells who waits for it.
    func take(
        _ number: ControlNumber, _ outcome: ControlOutcome, at now: NIODeadline, wakeups: inout Wakeups
    ) {
        let ticket = orders.tickets.removeValue(forKey: number)
        let forks = orders.forks.removeValue(forKey: number) ?? []
        guard case .applied(let effect, let token) = outcome else {
            if let ticket { generation.log.tell(ControlReply(outcome), to: ticket, &wakeups) }
            return
        }
        // A fork begins with it.
        request?.take(.controlled(number, outcome))
        var record = ControlRecord(effect, token: token, forks: forks)
        switch effect {
        case .rewound: (record.cut, record.contentBytes) = rewind(to: token)
        case .injected(opensTurn: true, let tokens): tokensUntilTurn = tokens
        case .paused: isPaused = true
        case .resumed: isPaused = false
        default: break
        }
        let event = generation.log.extent.nextNumber
        note(generation.log.append(to: &wakeups) { $0(.controlled(record)) }, at: now)
        if let ticket { generation.log.tell(.applied(record, event: event), to: ticket, &wakeups) }
    }

    /// Keeps what the engine told with a token; the log has `eventEnd` events with it. Behind the last token of an
    /// injected turn a new one begins.
    func keep(_ text: ArraySlice<UInt8>, eventEnd: Int, at now: NIODeadline, wakeups: inout Wakeups) {
        engineText.append(text, eventEnd: eventEnd)
        guard let left = tokensUntilTurn else { return }
        tokensUntilTurn = left > 1 ? left - 1 : nil
        guard left <= 1 else { return }
        finishSplitter(at: now, wakeups: &wakeups)
        engineText.beginTurn()
    }

    /// Brings the splitter back to where it was behind `count` tokens.
    ///
    /// - Returns: which events' text is void from now on, and how much content the turn has left.
    private func rewind(to count: Int) -> (cut: Int, contentBytes: Int) {
        let (turn, eventEnd) = engineText.cut(to: count)
        return (eventEnd, restartSplitter(with: turn))
    }

    /// Goes on in another process than the one that told what the log has.
    /// - Parameter isWhole: whether that is all that it told.
    func restart(isWhole: Bool) {
        // What did not take effect is not known to have been given.
        generation.forgetUnanswered()
        orders = LiveOrders()
        // Before it had begun and while it was paused there was nothing to be told ahead of the journal, and of several choices
        // nothing is.
        let extent = generation.log.extent
        guard !isWhole, isStarted, !isPaused, !extent.isEnded, generation.terms.choiceCount == 1 else { return }
        generation.log.expect(toldCount: extent.nextNumber + ShownRecords.reach)
    }
}
