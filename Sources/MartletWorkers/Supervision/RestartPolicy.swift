/// The rules for restarts of a worker that died.
package struct RestartPolicy: Sendable, Equatable {
    /// The pause before the first restart. It doubles with every further restart.
    package var initialPause: Duration = .milliseconds(250)
    /// The longest pause.
    package var maximumPause: Duration = .seconds(30)
    /// The time of readiness after which a worker counts as healthy. Its restart has no pause, and the pauses begin
    /// anew.
    package var healthyAfter: Duration = .seconds(10)
    /// The number of failed starts in a row after which there is no further start.
    package var maximumFailedStarts = 3
    /// The same number after a worker was ready once: the model can be loaded, so the cause may be temporary.
    package var maximumFailedRestarts = 5
    /// The number of workers in a row that died soon after they were ready, and after which there is no further start.
    ///
    /// A worker that is ready for `healthyAfter` or finishes a generation ends the row. The pauses of a row of ten amount
    /// to 92 s.
    package var maximumCrashes = 10
    /// Whether a first start that ran out of memory is repeated. `false` if another part makes room and starts again.
    package var repeatsShortages = true
    /// The time without a step after which a worker is replaced; `nil` = no limit.
    package var hangTimeout: Duration? = .seconds(60)
    /// The number of workers that may die while a generation runs; with that number the generation ends.
    package var maximumLosses = 3

    package init() {}
}
