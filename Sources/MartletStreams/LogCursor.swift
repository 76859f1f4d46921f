/// How far a reader has read a log. All that a reader costs a log.
package struct LogCursor: Sendable, Equatable {
    /// The number of the next event.
    package internal(set) var number = 0
    /// How many of the events before it are not only text.
    var detail = 0

    /// The beginning of a log.
    package init() {}
}
