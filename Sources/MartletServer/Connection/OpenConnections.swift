internal import NIOCore
internal import Synchronization

/// The connections of a server: which of them hold a place, and all of them, so that a shutdown can close those that do not
/// end by themselves.
///
/// Thread: any.
final class OpenConnections: Sendable {
    typealias Places = ConnectionPlaces<ObjectIdentifier>

    private struct Guarded {
        var channels: [ObjectIdentifier: any Channel] = [:]
        var places: Places
    }
    private let guarded: Mutex<Guarded>

    init(limit: Int, extraLimit: Int) {
        guarded = Mutex(Guarded(places: Places(limit: limit, extraLimit: extraLimit)))
    }

    func add(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        let closed = guarded.withLock { guarded -> (any Channel)? in
            guarded.channels[id] = channel
            return guarded.places.open(id).flatMap { guarded.channels[$0] }
        }
        closed?.close(promise: nil)
    }

    func remove(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        guarded.withLock { guarded in
            guarded.channels[id] = nil
            guarded.places.close(id)
        }
    }

    /// Whether a connection is beyond the limit: its response is its last.
    func isExtra(_ channel: any Channel) -> Bool {
        guarded.withLock { $0.places.isExtra(ObjectIdentifier(channel)) }
    }

    /// The head of a request came.
    func begin(_ channel: any Channel) { guarded.withLock { $0.places.begin(ObjectIdentifier(channel)) } }

    /// A response has ended.
    func end(_ channel: any Channel) { guarded.withLock { $0.places.end(ObjectIdentifier(channel)) } }

    /// - Returns: whether the request of a connection is served.
    func admit(_ channel: any Channel, for purpose: Places.Purpose) -> Bool {
        let (isServed, closed) = guarded.withLock { guarded -> (Bool, (any Channel)?) in
            switch guarded.places.admit(ObjectIdentifier(channel), for: purpose) {
            case .served: (true, nil)
            case .servedInPlace(let other): (true, guarded.channels[other])
            case .refused: (false, nil)
            }
        }
        closed?.close(promise: nil)
        return isServed
    }

    /// Closes every connection, without waiting for what is still to be sent.
    func closeAll() {
        for channel in guarded.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }
}
