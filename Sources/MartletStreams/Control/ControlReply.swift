package import MartletProtocol
internal import MartletText
internal import Synchronization

/// What whoever gave an order is told.
package enum ControlReply: Sendable, Equatable {
    /// It has taken effect, and is this event of the log.
    case applied(ControlRecord, event: Int)
    case refused(ControlRefusal)
    case status(GenerationReport)
    /// The generation had ended, or ended first.
    case ended(LogEvent?)

    init(_ outcome: ControlOutcome) {
        switch outcome {
        case .applied(let effect, let token): self = .applied(ControlRecord(effect, token: token), event: 0)
        case .refused(let refusal): self = .refused(refusal)
        case .status(let report): self = .status(report)
        }
    }
}

/// An order that was given: what becomes of it can be waited for.
package struct GivenOrder: Sendable {
    let ticket: ControlTicket

    init(ticket: ControlTicket) { self.ticket = ticket }

    /// - Parameter body: called once, maybe at once. Must not take long: it may be the engine that waits for it.
    ///   Orders to one generation are replied to in the order in which they took effect.
    package func whenDone(_ body: @escaping @Sendable (ControlReply) -> Void) { ticket.whenResolved(body) }

    package func reply() async -> ControlReply {
        await withCheckedContinuation { continuation in
            ticket.whenResolved { continuation.resume(returning: $0) }
        }
    }
}

/// An order that was given, for all who wait for what becomes of it. Resolved once.
final class ControlTicket: Sendable {
    private enum State {
        case waiting([@Sendable (ControlReply) -> Void])
        case resolved(ControlReply)
    }
    private let state = Mutex(State.waiting([]))

    /// Calls `body` with the reply: at once, or on the thread that resolves, in the order in which orders are resolved.
    func whenResolved(_ body: @escaping @Sendable (ControlReply) -> Void) {
        let reply = state.withLock { state -> ControlReply? in
            switch state {
            case .resolved(let reply): return reply
            case .waiting(let others):
                state = .waiting(others + [body])
                return nil
            }
        }
        if let reply { body(reply) }
    }

    func resolve(_ reply: ControlReply) {
        let waiting = state.withLock { state -> [@Sendable (ControlReply) -> Void] in
            guard case .waiting(let waiting) = state else { return [] }
            state = .resolved(reply)
            return waiting
        }
        for body in waiting { body(reply) }
    }
}

/// The orders to one live generation.
struct LiveOrders {
    /// Most request ids that are remembered.
    private static let memory = 256

    /// Of those that were not answered.
    var tickets: [ControlNumber: ControlTicket] = [:]
    /// Given while the request was being handed over.
    var early: [(number: ControlNumber, action: ControlAction)] = []
    private var known: [ExactString: ControlTicket] = [:]
    private var names: [String] = []

    /// The order that was given under this name before.
    func ticket(named name: String) -> ControlTicket? { known[name] }

    mutating func remember(_ ticket: ControlTicket, as name: String) {
        if names.count == Self.memory { known[names.removeFirst()] = nil }
        names.append(name)
        known[name] = ticket
    }
}
