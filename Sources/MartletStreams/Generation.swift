package import MartletProtocol
package import NIOCore
internal import Synchronization

/// One generation as everybody knows it who has to do with it, from its admission until nobody needs it any more.
///
/// Thread: any.
package final class Generation: Sendable {
    package let terms: GenerationTerms
    package let handle: GenerationHandle
    package let log: GenerationLog
    /// The response's bytes.
    package let response: Rendition
    /// The same with the events' numbers in it.
    package let numberedResponse: Rendition
    let begin: NIODeadline
    /// Whether an earlier process began it. What that one told last may be missing here until it is written again.
    package let isRestored: Bool

    private let namedOrders = Mutex(NamedOrders())

    private let steps: Mutex<GenerationTimeline>

    private struct Audience {
        var count = 0
        /// When it had readers last; `begin` if it never had.
        var lastSeen: NIODeadline
    }
    private let audience: Mutex<Audience>
    private let eventRendition = Mutex<Rendition?>(nil)

    init(_ terms: GenerationTerms, handle: GenerationHandle, begin: NIODeadline, isRestored: Bool = false) {
        self.terms = terms
        self.handle = handle
        self.begin = begin
        self.isRestored = isRestored
        log = GenerationLog(head: terms.head)
        response = Rendition(of: log, as: terms.view, countsBytes: true)
        numberedResponse = Rendition(of: log, as: NumberedEventView(terms.view))
        audience = Mutex(Audience(lastSeen: begin))
        steps = Mutex(GenerationTimeline(begin: begin))
    }

    /// When it came how far.
    var timeline: GenerationTimeline { steps.withLock { $0 } }

    func reach(_ step: GenerationTimeline.Step, at time: NIODeadline) {
        steps.withLock { $0.reach(step, at: time) }
    }

    /// Of all choices, the first one's first.
    var handles: [GenerationHandle] {
        (0..<terms.choiceCount).map { GenerationHandle(rawValue: handle.rawValue + UInt64($0)) }
    }

    /// The handle of one of its choices.
    package func handle(ofChoice choice: Int) -> GenerationHandle {
        GenerationHandle(rawValue: handle.rawValue + UInt64(choice))
    }

    /// The log in one more format, shared by all who read it so.
    /// - Parameter makeView: called for the first one.
    package func events(as makeView: () -> any StreamView) -> Rendition {
        eventRendition.withLock { rendition in
            if let rendition { return rendition }
            let made = Rendition(of: log, as: makeView())
            rendition = made
            return made
        }
    }

    /// The order that was given under this name before.
    func order(named name: OrderName) throws(OrderNameError) -> ControlTicket? {
        try namedOrders.withLock { named throws(OrderNameError) in try named.ticket(named: name) }
    }

    /// Remembers an order for as long as the generation is known.
    func remember(_ ticket: ControlTicket, as name: OrderName) throws(OrderNameError) {
        try namedOrders.withLock { named throws(OrderNameError) in try named.add(ticket, named: name) }
    }

    /// Forgets the orders that were not replied to.
    func forgetUnanswered() { namedOrders.withLock { $0.forgetUnanswered() } }

    /// Counts somebody who reads or waits, until the seat is left.
    package func takeSeat(clock: @escaping @Sendable () -> NIODeadline = { .now() }) -> Seat {
        audience.withLock { $0.count += 1 }
        return Seat(in: self, clock: clock)
    }

    fileprivate func leaveSeat(at now: NIODeadline) {
        audience.withLock { audience in
            audience.count -= 1
            audience.lastSeen = now
        }
    }

    /// Since when nobody reads it; `nil` = somebody does.
    var abandoned: NIODeadline? {
        audience.withLock { $0.count == 0 ? $0.lastSeen : nil }
    }
}

/// The place of one who reads a generation or waits for its end.
package final class Seat: Sendable {
    private let generation: Generation
    private let clock: @Sendable () -> NIODeadline
    private let isLeft = Atomic(false)

    fileprivate init(in generation: Generation, clock: @escaping @Sendable () -> NIODeadline) {
        self.generation = generation
        self.clock = clock
    }

    /// May be called more than once.
    package func leave() {
        guard !isLeft.exchange(true, ordering: .acquiringAndReleasing) else { return }
        generation.leaveSeat(at: clock())
    }
}
