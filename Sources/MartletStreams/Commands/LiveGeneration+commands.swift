internal import MartletProtocol
internal import NIOCore

extension LiveGeneration {
    /// Keeps what there is to know of an order until it is answered.
    func addCommand(_ record: CommandRecord, _ promise: CommandPromise) {
        commands.promises[record.number] = promise
        if !record.forks.isEmpty { commands.forks[record.number] = record.forks }
    }

    /// Writes what became of an order into the log, unless it changed nothing, and tells who waits for it.
    func recordResult(
        of number: CommandNumber, _ result: ControlResult, at now: NIODeadline, wakeups: inout Wakeups
    ) {
        let promise = commands.promises.removeValue(forKey: number)
        let forks = commands.forks.removeValue(forKey: number) ?? []
        guard case .applied(let command, let token) = result else {
            if let promise { generation.log.deliver(CommandReply(result), to: promise, &wakeups) }
            return
        }
        // A fork begins with it.
        request?.apply(.controlled(number, result))
        var record = LoggedCommand(command, token: token, forks: forks)
        switch command {
        case .rewound: (record.cut, record.contentBytes) = rewind(to: token)
        case .injected(opensTurn: true, let tokens): tokensUntilTurn = tokens
        case .paused: isPaused = true
        case .resumed: isPaused = false
        default: break
        }
        let event = generation.log.extent.nextNumber
        recordGrowth(generation.log.append(to: &wakeups) { $0(.controlled(record)) }, at: now)
        if let promise { generation.log.deliver(.applied(record, event: event), to: promise, &wakeups) }
    }

    /// Keeps what the engine told with a token; the log has `eventEnd` events with it. Behind the last token of an
    /// injected turn a new one begins.
    func recordText(_ text: ArraySlice<UInt8>, eventEnd: Int, at now: NIODeadline, wakeups: inout Wakeups) {
        tokenTexts.append(text, eventEnd: eventEnd)
        guard let left = tokensUntilTurn else { return }
        tokensUntilTurn = left > 1 ? left - 1 : nil
        guard left <= 1 else { return }
        finishParser(at: now, wakeups: &wakeups)
        tokenTexts.beginTurn()
    }

    /// Brings the splitter back to where it was behind `count` tokens.
    ///
    /// - Returns: which events' text is void from now on, and how much content the turn has left.
    private func rewind(to count: Int) -> (cut: Int, contentBytes: Int) {
        let (turn, eventEnd) = tokenTexts.truncate(to: count)
        return (eventEnd, restartParser(with: turn))
    }

    /// Goes on in another process than the one that told what the log has.
    /// - Parameter isWhole: whether that is all that it told.
    func restart(isWhole: Bool) {
        // What did not take effect is not known to have been given.
        generation.removeUnresolved()
        commands = UnresolvedCommands()
        // Before it had begun and while it was paused there was nothing to be told ahead of the journal, and of several
        // choices nothing is.
        let extent = generation.log.extent
        guard !isWhole, isStarted, !isPaused, !extent.isEnded, generation.spec.choiceCount == 1 else { return }
        generation.log.expect(priorEventCount: extent.nextNumber + CommitIndex.maximumLead)
    }
}
