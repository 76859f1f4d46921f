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

    package init(path: String) { self.path = path }
}
