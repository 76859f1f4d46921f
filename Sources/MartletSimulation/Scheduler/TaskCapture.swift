internal import MartletPlatform

/// Makes every job of a Swift task a step of the current simulation.
///
/// The runtime calls a hook instead of its thread pool for each job of the global executor (`swift_task_enqueueGlobal`).
/// So `async` functions of production code run unchanged, on the thread of the simulation, in the order of the seed.
/// Suspension for a time does not pass through the hook that is set here: simulated code gets its clocks as values.
///
/// Source: the declarations in `stdlib/public/Concurrency/ExecutorImpl.h` and `Executor.h` of the Swift project.
package enum TaskCapture {
    private typealias Original = @convention(thin) (UnownedJob) -> Void
    private typealias Hook = @convention(thin) (UnownedJob, Original) -> Void

    /// The scheduler of the simulation that runs now.
    ///
    /// `nonisolated(unsafe)`: read and written on the thread of the simulation, which is the only thread that runs tasks
    /// in a process that has called `begin`.
    nonisolated(unsafe) package static var scheduler: SimulatedScheduler?
    nonisolated(unsafe) private static var isInstalled = false

    /// Sets the hook. From now on no task of this process runs outside of a simulation.
    /// - Returns: `false` = the runtime has no such hook.
    package static func begin() -> Bool {
        if isInstalled { return true }
        guard let symbol = dlsym(dlopen(nil, RTLD_NOW), "swift_task_enqueueGlobal_hook") else { return false }
        symbol.assumingMemoryBound(to: Hook?.self).pointee = { job, _ in TaskCapture.add(job) }
        isInstalled = true
        return true
    }

    /// Adds a job to the tasks of the running process. Jobs of a process that is gone are dropped.
    private static func add(_ job: UnownedJob) {
        guard let scheduler, let lane = scheduler.taskLane else { return }
        scheduler.add(to: lane) { job.runSynchronously(on: executor.asUnownedSerialExecutor()) }
    }

    private static let executor = SimulatedExecutor()
}

/// The executor that runs captured jobs: the thread of the simulation.
final class SimulatedExecutor: SerialExecutor {
    func enqueue(_ job: consuming ExecutorJob) { TaskCapture.run(UnownedJob(job)) }
}

extension TaskCapture {
    /// Adds a job that names the simulation's executor.
    fileprivate static func run(_ job: UnownedJob) { add(job) }
}
