/// How far a reader has read a log. All that a reader costs a log.
package struct LogCursor: Sendable, Equatable {
    /// How many entries are before it.
    package internal(set) var position = 0
    /// How many of them are not only text.
    var detail = 0
    /// How many of them are pings, which have no number.
    var pings = 0

    /// How many more numbers than entries before it were left out.
    var skipped = 0

    /// The number of the next event.
    package var number: Int { position - pings + skipped }

    /// The beginning of a log.
    package init() {}
}
