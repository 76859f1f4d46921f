internal import MartletPlatform

/// Makes every job of a Swift task a step of the current simulation.
///
/// The runtime calls a hook instead of its thread pool for each job of the global executor (`swift_task_enqueueGlobal`).
/// So `async` functions of production code run unchanged, on the thread of the simulation, in the order of the seed.
/// Suspension for a time does not pass through the hook that is set here: simulated code gets its clocks as values.
///
/// A job runs as on a thread of the runtime's pool: on the generic executor. An executor of the simulation's own would
/// make each call of a `nonisolated` function a hop, of which an optimized build leaves out some, so that the two builds
/// would have different schedules.
///
/// Source: the declarations in `stdlib/public/Concurrency/ExecutorImpl.h`, and `swift_job_run` and
/// `SerialExecutorRef::generic` in `include/swift/Runtime/Concurrency.h` and `ABI/Executor.h` of the Swift project.
package enum TaskCapture {
    private typealias Original = @convention(thin) (UnownedJob) -> Void
    private typealias Hook = @convention(thin) (UnownedJob, Original) -> Void
    /// `swift_job_run`: runs a job on the present thread. The executor is a reference of two words.
    private typealias RunJob = @convention(thin) (UnownedJob, UInt, UInt) -> Void

    /// The scheduler of the simulation that runs now.
    ///
    /// `nonisolated(unsafe)`: read and written on the thread of the simulation, which is the only thread that runs tasks
    /// in a process that has called `begin`.
    nonisolated(unsafe) package static var scheduler: SimulatedScheduler?
    /// The runtime's function; nil before `begin`. `nonisolated(unsafe)`: as `scheduler`.
    nonisolated(unsafe) private static var runJob: RunJob?

    /// Sets the hook. From now on no task of this process runs outside of a simulation.
    /// - Returns: `false` = the runtime has no such hook.
    package static func begin() -> Bool {
        if runJob != nil { return true }
        let runtime = dlopen(nil, RTLD_NOW)
        guard let hook = dlsym(runtime, "swift_task_enqueueGlobal_hook"), let run = dlsym(runtime, "swift_job_run")
        else { return false }
        runJob = unsafeBitCast(run, to: RunJob.self)
        hook.assumingMemoryBound(to: Hook?.self).pointee = { job, _ in TaskCapture.add(job) }
        return true
    }

    /// Adds a job to the tasks of the running process. Jobs of a process that is gone are dropped.
    private static func add(_ job: UnownedJob) {
        guard let scheduler, let lane = scheduler.taskLane else { return }
        // Two zeros are the generic executor.
        scheduler.add(to: lane) { runJob?(job, 0, 0) }
    }
}
