import MartletPlatform

/// A thread of the system for blocking work, which must not run on the thread pool of tasks.
package enum DedicatedThread {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread and suspends the task until it returns.
    /// - Throws: If no thread can be started.
    package static func run<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async throws(ThreadError) -> Value
    {
        let result = await withCheckedContinuation { (done: CheckedContinuation<Result<Value, ThreadError>, Never>) in
            do throws(ThreadError) {
                try start { done.resume(returning: .success(body())) }
            } catch {
                done.resume(returning: .failure(error))
            }
        }
        return try result.get()
    }

    /// Runs `body` on a new thread and returns at once.
    /// - Throws: If no thread can be started.
    package static func start(_ body: @escaping @Sendable () -> Void) throws(ThreadError) {
        let work = Unmanaged.passRetained(Work(body))
        #if canImport(Darwin)
            var thread: pthread_t?
        #else
            var thread = pthread_t()
        #endif
        let code = pthread_create(
            &thread, nil,
            { argument in
                // On Darwin the argument is not optional.
                let argument: UnsafeMutableRawPointer? = argument
                if let argument { Unmanaged<Work>.fromOpaque(argument).takeRetainedValue().body() }
                return nil
            }, work.toOpaque())
        guard code == 0 else {
            work.release()
            throw ThreadError(code: code)
        }
        #if canImport(Darwin)
            if let thread { pthread_detach(thread) }
        #else
            pthread_detach(thread)
        #endif
    }

    /// No thread could be started; `code` is an `errno` value.
    package struct ThreadError: Error {
        package var code: Int32
    }
}
