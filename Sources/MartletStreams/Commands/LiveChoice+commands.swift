internal import MartletProtocol
internal import NIOCore

extension LiveChoice {
    /// Remembers a command until its reply.
    func addCommand(_ record: CommandRecord, _ promise: CommandPromise) {
        commands.promises[record.number] = promise
        if !record.forks.isEmpty { commands.forks[record.number] = record.forks }
    }

    /// Delivers the result of a command, and appends an event if the command took effect. The reply becomes visible
    /// with that event.
    func recordResult(
        of number: CommandNumber, _ result: ControlResult, at now: NIODeadline, wakeups: inout Wakeups
    ) {
        let promise = commands.promises.removeValue(forKey: number)
        let forks = commands.forks.removeValue(forKey: number) ?? []
        guard case .applied(let command, let token) = result else {
            if let promise { generation.log.deliver(CommandReply(result), to: promise, &wakeups) }
            return
        }
        // A later fork begins with the changed settings.
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
        recordGrowth(generation.log.append(contentsOf: CollectionOfOne(.controlled(record)), to: &wakeups), at: now)
        if let promise { generation.log.deliver(.applied(record, event: event), to: promise, &wakeups) }
    }

    /// Records the text of a token for later rewinds. After the last token of an injected turn a new turn begins.
    /// - Parameter eventEnd: the number of events in the log, those of this token included.
    func recordText(_ text: ArraySlice<UInt8>, eventEnd: Int, at now: NIODeadline, wakeups: inout Wakeups) {
        // Commands concern the first choice only.
        guard index == 0 else { return }
        tokenTexts.append(text, eventEnd: eventEnd)
        guard let left = tokensUntilTurn else { return }
        tokensUntilTurn = left > 1 ? left - 1 : nil
        guard left <= 1 else { return }
        finishParser(at: now, wakeups: &wakeups)
        tokenTexts.beginTurn()
    }

    /// Resets the output parser to its state after `count` tokens.
    ///
    /// - Returns: the number of the first event whose text is void, and the bytes of content that the turn keeps.
    private func rewind(to count: Int) -> (cut: Int, contentBytes: Int) {
        let (turn, eventEnd) = tokenTexts.truncate(to: count)
        return (eventEnd, restartParser(with: turn))
    }

    /// Prepares a restored choice for new events.
    /// - Parameter isWhole: whether the log has all events that the earlier process emitted.
    func restart(isWhole: Bool) {
        // A command without a result may not have reached the engine. A client repeats it, and it is sent anew.
        generation.removeUnresolved()
        commands = UnresolvedCommands()
        // The earlier process ended between the record of skipped numbers and that of the terminal event.
        endNumber = nil
        // Events become visible before they are durable only while a single choice decodes. In all other states readers
        // have seen no more than the journal has.
        let extent = generation.log.extent
        guard !isWhole, lifecycle.progress == .started, !isPaused, !extent.isEnded, generation.spec.choiceCount == 1
        else { return }
        generation.log.expect(priorEventCount: extent.nextNumber + CommitIndex.maximumLead)
    }
}
