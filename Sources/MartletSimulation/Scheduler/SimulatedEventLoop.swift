package import Dispatch
package import NIOCore

/// An event loop of a simulated process: its tasks are steps of a lane, and its timers belong to the virtual clock.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
package final class SimulatedEventLoop: EventLoop, @unchecked Sendable {
    /// The lane of the event loop's tasks.
    package let lane: SimulatedLane
    private let scheduler: SimulatedScheduler

    /// Makes an event loop with a lane of its own.
    package init(_ name: String, _ scheduler: SimulatedScheduler) {
        self.scheduler = scheduler
        lane = scheduler.makeLane(name)
    }

    /// Whether a task of this event loop runs now. Other steps run as if on other threads.
    package var inEventLoop: Bool { scheduler.current === lane }

    /// The virtual time.
    package var now: NIODeadline { .uptimeNanoseconds(scheduler.now) }

    /// Adds a task behind the tasks that wait.
    package func execute(_ task: @escaping @Sendable () -> Void) { scheduler.add(to: lane, task) }

    /// Adds a task whose result is a future.
    package func submit<T>(_ task: @escaping @Sendable () throws -> T) -> EventLoopFuture<T> {
        let result = AwaitedResult(makePromise(of: T.self))
        execute { result.complete(Result { try task() }, on: self) }
        return result.promise.futureResult
    }

    /// Runs a task at a time of the virtual clock.
    @discardableResult
    package func scheduleTask<T>(
        deadline: NIODeadline, _ task: @escaping @Sendable () throws -> T
    ) -> Scheduled<T> {
        let result = AwaitedResult(makePromise(of: T.self))
        let timer = scheduler.addTimer(at: deadline.uptimeNanoseconds, on: lane) {
            result.complete(Result { try task() }, on: self)
        }
        return Scheduled(promise: result.promise, cancellationTask: { timer.cancel() })
    }

    /// Runs a task after a virtual delay.
    @discardableResult
    package func scheduleTask<T>(
        in delay: TimeAmount, _ task: @escaping @Sendable () throws -> T
    ) -> Scheduled<T> {
        scheduleTask(deadline: now + delay, task)
    }

    /// Refuses: an event loop ends with its process.
    package func shutdownGracefully(queue: DispatchQueue, _ callback: @escaping @Sendable ((any Error)?) -> Void) {
        queue.async { callback(EventLoopError.unsupportedOperation) }
    }

    /// Traps in a step of another lane.
    package func preconditionInEventLoop(file: StaticString, line: UInt) {
        precondition(inEventLoop, "a step of another lane uses an event loop's state", file: file, line: line)
    }

    /// Traps in a step of this event loop.
    package func preconditionNotInEventLoop(file: StaticString, line: UInt) {
        precondition(!inEventLoop, "a step waits for its own event loop", file: file, line: line)
    }
}

/// A promise whose task may be lost with its process.
///
/// A debug build of SwiftNIO traps when a promise is freed without a result. A process that is gone completes nothing,
/// so these promises are kept.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
private final class AwaitedResult<Value>: @unchecked Sendable {
    let promise: EventLoopPromise<Value>
    /// Whether the task has run.
    private var isCompleted = false

    init(_ promise: EventLoopPromise<Value>) { self.promise = promise }

    func complete(_ result: Result<Value, any Error>, on eventLoop: SimulatedEventLoop) {
        isCompleted = true
        promise.completeWith(result, on: eventLoop)
    }

    deinit { if !isCompleted { _ = Unmanaged.passRetained(promise.futureResult) } }
}

extension EventLoopPromise {
    /// Completes the promise within a task of its event loop.
    fileprivate func completeWith(_ result: Result<Value, any Error>, on eventLoop: SimulatedEventLoop) {
        switch result {
        case .success(let value): assumeIsolated().succeed(value)
        case .failure(let error): fail(error)
        }
    }
}
