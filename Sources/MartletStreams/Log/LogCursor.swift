/// A position in a log. A reader costs a log nothing but its cursor.
package struct LogCursor: Sendable, Equatable {
    /// The number of entries before the cursor.
    package internal(set) var position = 0
    /// The number of these entries that have an element in `LogStorage.details`.
    var detail = 0
    /// The number of these entries that are pings, which have no number.
    var pings = 0

    /// The number of event numbers before the cursor that were skipped.
    var skipped = 0

    /// The number of the next event.
    package var number: Int { position - pings + skipped }

    /// The number of entries before the cursor that skip numbers: at most 1.
    var gaps = 0

    /// The number of events before the cursor. Skipped numbers and pings are no events.
    var eventCount: Int { position - pings - gaps }

    /// The beginning of a log.
    package init() {}
}
