internal import MartletProtocol

/// The way of one choice's events into the log of its generation.
///
/// `body` runs the output parser, so it is called before the log is locked: readers of a log do not wait for a parser.
struct ChoiceLog {
    private let log: GenerationLog
    private let choice: Int
    private let isAmongSeveral: Bool
    /// The events of one append; empty between appends, with its capacity kept.
    private var events: [LogEvent] = []

    init(of generation: Generation, choice: Int) {
        log = generation.log
        self.choice = choice
        isAmongSeveral = generation.spec.choiceCount > 1
    }

    /// Appends the events that `body` passes to its argument, in their order, as events of this choice.
    @discardableResult
    mutating func append(to wakeups: inout Wakeups, _ body: ((LogEvent) -> Void) -> Void) -> GenerationLog.Growth {
        // Moved out, because `body` may not change a property that is being changed.
        var events = self.events
        self.events = []
        body { event in
            if let event = isAmongSeveral ? own(event) : event { events.append(event) }
        }
        let growth = log.append(contentsOf: events, to: &wakeups)
        events.removeAll(keepingCapacity: true)
        self.events = events
        return growth
    }

    /// Appends one event as an event of this choice.
    mutating func append(_ event: LogEvent, to wakeups: inout Wakeups) -> GenerationLog.Growth {
        guard isAmongSeveral else { return log.append(contentsOf: CollectionOfOne(event), to: &wakeups) }
        return append(to: &wakeups) { $0(event) }
    }

    func handOver(to wakeups: inout Wakeups) { log.handOver(to: &wakeups) }

    /// The event as one of this choice; nil for admissions of later choices, which the first choice's admission
    /// implies.
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
