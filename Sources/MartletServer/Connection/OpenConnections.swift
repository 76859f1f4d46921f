internal import NIOCore
internal import Synchronization

/// All connections of a server with the limiter that decides about them. A shutdown closes those that do not end by
/// themselves.
///
/// Thread: any.
final class OpenConnections: Sendable {
    typealias Limiter = ConnectionLimiter<ObjectIdentifier>

    private struct Guarded {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var limiter: Limiter
    }
    private let guarded: Mutex<Guarded>

    init(limit: Int, extraLimit: Int) {
        guarded = Mutex(Guarded(limiter: Limiter(limit: limit, extraLimit: extraLimit)))
    }

    /// Adds a new connection. Closes another one if there are too many.
    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let closed = guarded.withLock { guarded -> (any Channel)? in
            guarded.channels[id] = channel
            return guarded.limiter.open(id).flatMap { guarded.channels[$0] }
        }
        closed?.close(promise: nil)
    }

    /// Removes a connection that is closed.
    func remove(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        guarded.withLock { guarded in
            guarded.channels[id] = nil
            guarded.limiter.close(id)
        }
    }

    /// Whether a connection is beyond the limit, so that its response is its last.
    func isExtra(_ channel: any Channel) -> Bool {
        guarded.withLock { $0.limiter.isExtra(ObjectIdentifier(channel)) }
    }

    /// The head of a request has arrived.
    func begin(_ channel: any Channel) { guarded.withLock { $0.limiter.begin(ObjectIdentifier(channel)) } }

    /// A response has ended.
    func end(_ channel: any Channel) { guarded.withLock { $0.limiter.end(ObjectIdentifier(channel)) } }

    /// Decides about a request. Closes an idle connection if the request gets its place.
    /// - Returns: whether the request is served.
    func admit(_ channel: any Channel, for purpose: Limiter.Purpose) -> Bool {
        let (isServed, closed) = guarded.withLock { guarded -> (Bool, (any Channel)?) in
            switch guarded.limiter.admit(ObjectIdentifier(channel), for: purpose) {
            case .served: (true, nil)
            case .servedReplacing(let other): (true, guarded.channels[other])
            case .refused: (false, nil)
            }
        }
        closed?.close(promise: nil)
        return isServed
    }

    /// Closes every connection. Bytes that are not sent yet are lost.
    func closeAll() {
        for channel in guarded.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }
}
