package import MartletStreams

/// The settings of the journal, which lets resumable generations outlive the server.
package struct JournalConfiguration: Sendable {
    /// A folder. Only one server at a time may use it.
    package var path: String
    /// Whether the server refuses to start without the journal. Default: no.
    package var isRequired = false
    /// The point at which a record counts as durable. Default: the system has accepted it.
    package var durability = Journal.Durability.write
    /// Bytes of all journals; beyond it the oldest ended generations are removed. Default: 1 GiB.
    package var maximumByteCount = 1 << 30
    /// The most journal files that are open at once. Default: 128.
    package var maximumOpenCount = 128
    /// The time for recovery before the server listens. Default: 1 s.
    package var recoveryStartTimeout: Duration = .seconds(1)
    /// The time for which a request waits until the recovery has found its generation. Default: 10 s.
    package var recoveryRequestTimeout: Duration = .seconds(10)
    /// Called on the thread of the recovery with the id of the journal that it reads next. Default: nothing.
    package var onReading: @Sendable (String) -> Void = { _ in }

    package init(path: String) { self.path = path }
}
