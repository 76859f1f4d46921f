/// How often and how soon a worker that died is started again.
package struct RestartPolicy: Sendable, Equatable {
    /// Before a worker that died soon is started again; doubles with every further one.
    package var initialPause: Duration = .milliseconds(250)
    package var maximumPause: Duration = .seconds(30)
    /// A worker that was ready for this long was healthy: the next one is started at once, and what was before is
    /// forgiven.
    package var healthyAfter: Duration = .seconds(10)
    /// After as many starts in a row that never got ready, the worker is given up.
    package var maximumFailedStarts = 3
    /// The same once a worker was ready: its model can be loaded, so the failure may pass.
    package var maximumFailedRestarts = 5
    /// A worker that takes no step for so long is ended and started again; `nil` = never.
    package var hangTimeout: Duration? = .seconds(60)
    /// A generation that was running in as many workers when they died is not tried again.
    package var maximumLosses = 3

    package init() {}
}
