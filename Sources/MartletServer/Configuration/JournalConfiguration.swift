package import MartletStreams

/// Whether and how resumable generations outlive the server.
package struct JournalConfiguration: Sendable {
    /// A folder of which one server at a time makes use.
    package var path: String
    /// Whether the server must not start without it.
    package var isRequired = false
    package var durability = Journal.Durability.write
    /// Of all journals; the oldest that have ended go first. Default: 1 GiB.
    package var maximumByteCount = 1 << 30
    /// Most of their files that are open at once. Default: 128.
    package var maximumOpenCount = 128
    /// How long the server waits for the answers of earlier servers before it listens. Default: 1 s.
    package var recoveryStartTimeout: Duration = .seconds(1)
    /// How long a request waits for an answer that may not be back yet. Default: 10 s.
    package var recoveryRequestTimeout: Duration = .seconds(10)
    /// Called with the id of each generation whose journal is read next, on the thread that reads. Default: nothing.
    package var onReading: @Sendable (String) -> Void = { _ in }

    package init(path: String) { self.path = path }
}
