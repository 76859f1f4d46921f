internal import MartletProtocol

/// The log of a generation as one of its choices writes it.
struct ChoiceLog {
    let log: GenerationLog
    let choice: Int
    let isAmongSeveral: Bool

    @discardableResult
    func append(to wakeups: inout Wakeups, _ body: ((LogEvent) -> Void) -> Void) -> GenerationLog.Growth {
        guard isAmongSeveral else { return log.append(to: &wakeups, body) }
        var events: [LogEvent] = []
        body { event in
            if let event = own(event) { events.append(event) }
        }
        return log.append(to: &wakeups) { add in
            for event in events { add(event) }
        }
    }

    func handOver(to wakeups: inout Wakeups) { log.handOver(to: &wakeups) }

    /// The event as one of this choice. That the first was admitted says enough.
    private func own(_ event: LogEvent) -> LogEvent? {
        switch event {
        case .ping, .handedOver, .failed: return event
        case .admitted where choice > 0: return nil
        case .finished(let completion): return wrapped(.ended(completion))
        default: return wrapped(event)
        }
    }

    private func wrapped(_ event: LogEvent) -> LogEvent { choice > 0 ? .choice(choice, event) : event }
}
