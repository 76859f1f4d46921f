package import MartletObservability

/// How the journal fares.
package struct JournalMetrics: Sendable, Equatable {
    /// Generations whose journal is being written.
    package var open = 0
    /// Bytes of all journals that are there.
    package var fileBytes = 0
    /// Since the start of the server.
    package var writtenBytes = 0
    package var writes = 0
    /// Generations that will not outlive the server, as their journal could not be written.
    package var lost = 0
    /// Whether durability is lost now.
    package var isTroubled = false
}

extension JournalMetrics {
    package func write(to text: inout PrometheusText) {
        text.add(
            "martlet_journal_open", .gauge, help: "Generations whose journal is being written.", Double(open))
        text.add("martlet_journal_bytes", .gauge, help: "Bytes of all journals.", Double(fileBytes))
        text.add("martlet_journal_written_bytes_total", .counter, help: "Bytes written.", Double(writtenBytes))
        text.add(
            "martlet_journal_lost_total", .counter,
            help: "Generations that will not outlive the server, as their journal could not be written.", Double(lost))
        text.add(
            "martlet_journal_troubled", .gauge, help: "1 while journals cannot be written.", isTroubled ? 1 : 0)
    }
}
