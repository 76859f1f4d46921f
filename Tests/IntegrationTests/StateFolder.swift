import Foundation
import Synchronization

/// Where servers keep their journals; goes away with the test.
final class StateFolder: Sendable {
    let path = NSTemporaryDirectory() + "/martlet-state-" + UUID().uuidString
    deinit { try? FileManager.default.removeItem(atPath: path) }
}

/// A value that a concurrent body leaves behind.
final class LockedValue<Value: Sendable>: Sendable {
    private let guarded: Mutex<Value>
    init(_ value: Value) { guarded = Mutex(value) }
    var value: Value { guarded.withLock { $0 } }
    func set(_ value: Value) { guarded.withLock { $0 = value } }
}
