package import MartletProtocol

/// Who waits for a worker and who is served by it, so that each ends exactly once.
package struct RequestLedger: Sendable {
    /// A frame that is held until the worker is ready.
    private struct Held: Sendable {
        var subject: Subject
        var frame: [UInt8]
    }

    package enum Subject: Hashable, Sendable {
        case generation(GenerationHandle)
        case query(QueryNumber)
    }

    private var held: [Held] = []
    /// Everything that the worker has been told and has not ended.
    private var sent: Set<Subject> = []

    package init() {}

    /// A request for a ready worker was written.
    package mutating func markSent(_ subject: Subject) { sent.insert(subject) }

    package mutating func hold(_ subject: Subject, frame: [UInt8]) {
        held.append(Held(subject: subject, frame: frame))
    }

    /// Writes one more frame right behind that of a request that waits.
    package mutating func attach(_ frame: [UInt8], to subject: Subject) {
        guard let index = held.firstIndex(where: { $0.subject == subject }) else { return }
        held[index].frame += frame
    }

    package func isSent(_ subject: Subject) -> Bool { sent.contains(subject) }

    /// The worker is ready.
    /// - Returns: The frames to write, in the order of their arrival.
    package mutating func release() -> [[UInt8]] {
        let frames = held.map(\.frame)
        for item in held { sent.insert(item.subject) }
        held.removeAll()
        return frames
    }

    /// Takes a request back that waits.
    /// - Returns: Whether it waited.
    package mutating func withdraw(_ subject: Subject) -> Bool {
        guard let index = held.firstIndex(where: { $0.subject == subject }) else { return false }
        held.remove(at: index)
        return true
    }

    /// The worker ended a request, or answered a question.
    /// - Returns: Whether it was the worker's; if not, its event must not be passed on.
    package mutating func end(_ subject: Subject) -> Bool { sent.remove(subject) != nil }

    /// The worker is gone.
    /// - Returns: What it had.
    package mutating func loseSent() -> Set<Subject> {
        defer { sent.removeAll() }
        return sent
    }

    /// No worker will come.
    /// - Returns: What waited, in order of arrival.
    package mutating func loseHeld() -> [Subject] {
        defer { held.removeAll() }
        return held.map(\.subject)
    }
}
