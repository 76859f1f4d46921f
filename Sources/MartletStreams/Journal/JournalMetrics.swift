package import MartletObservability

/// Counts of the journal.
package struct JournalMetrics: Sendable, Equatable {
    /// The number of generations whose journal is being written.
    package var open = 0
    /// The size of all journals in bytes.
    package var fileBytes = 0
    /// Bytes written since the start of the server.
    package var writtenBytes = 0
    package var writes = 0
    /// The number of generations that will not survive the server, because their journal could not be written.
    package var lost = 0
    /// Whether durability is lost now.
    package var isFailing = false
}

extension JournalMetrics {
    /// Adds the counts to the metrics of the server.
    package func write(to text: inout PrometheusText) {
        text.add(
            "martlet_journal_open", .gauge, help: "Generations whose journal is being written.", Double(open))
        text.add("martlet_journal_bytes", .gauge, help: "Bytes of all journals.", Double(fileBytes))
        text.add("martlet_journal_written_bytes_total", .counter, help: "Bytes written.", Double(writtenBytes))
        text.add(
            "martlet_journal_lost_total", .counter,
            help: "Generations that will not outlive the server, as their journal could not be written.", Double(lost))
        text.add(
            "martlet_journal_troubled", .gauge, help: "1 while journals cannot be written.", isFailing ? 1 : 0)
    }
}
