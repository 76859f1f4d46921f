internal import MartletWorkers
internal import NIOCore

/// A small program of tasks whose schedule must be the same in every build.
///
/// A debug build hops between executors at more places than an optimized one. `TaskCapture` makes such a hop no job;
/// otherwise a seed would give another run in each build, and a plan of one build would prove nothing in the other. The
/// program has all kinds of suspension that the core uses.
package enum ScheduleTrial {
    /// The digest in every build with the Swift version that `docs/simulation.md` names.
    package static let expectedDigest: UInt64 = 0x92a1612da1c60f47

    /// Runs the program to its end. `TaskCapture.begin` must have returned true.
    /// - Returns: a function of its whole schedule.
    package static func run() -> UInt64 {
        let scheduler = SimulatedScheduler(seed: 1)
        let tasks = scheduler.makeLane("tasks", isOrdered: false)
        let loop = SimulatedEventLoop("loop", scheduler)
        scheduler.taskLane = tasks
        TaskCapture.scheduler = scheduler
        defer { TaskCapture.scheduler = nil }
        let clock = SupervisorClock.simulated(scheduler, on: tasks)
        for number in 1...8 { Task { await work(number, clock, loop) } }
        while scheduler.runStep() {}
        return scheduler.digest
    }

    private static func work(_ number: Int, _ clock: SupervisorClock, _ loop: SimulatedEventLoop) async {
        // Calls of functions that do not suspend.
        var sum = await chain(number)
        try? await clock.sleep(.microseconds(10 * number))
        // Child tasks of both kinds.
        async let other = chain(number + 1)
        sum += await other
        await withTaskGroup(of: Int.self) { group in
            for child in 0..<3 { group.addTask { await chain(child) } }
            for await value in group { sum += value }
        }
        // A task that waits for another one, and one that is cancelled.
        let waiting = Task { [sum] in
            try? await clock.sleep(.seconds(1))
            return sum
        }
        if number % 2 == 0 { waiting.cancel() }
        sum += await waiting.value
        // A continuation and a future that an event loop resumes.
        let value = await withCheckedContinuation { continuation in
            loop.execute { [sum] in continuation.resume(returning: sum) }
        }
        let promise = loop.makePromise(of: Int.self)
        loop.scheduleTask(in: .microseconds(5)) { promise.succeed(value) }
        sum = (try? await promise.futureResult.get()) ?? 0
        // A stream.
        let (stream, continuation) = AsyncStream.makeStream(of: Int.self, bufferingPolicy: .bufferingNewest(1))
        loop.execute { [sum] in
            continuation.yield(sum)
            continuation.finish()
        }
        for await value in stream { _ = await chain(value % 3) }
    }

    /// Calls itself through further functions that do not suspend.
    private static func chain(_ depth: Int) async -> Int { depth <= 0 ? 1 : await chain(depth - 1) + 1 }
}
