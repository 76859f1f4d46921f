import MartletPlatform

/// An OS thread for work that blocks, which must not be done on the pool that tasks share.
package enum DedicatedThread {
    private final class Work: Sendable {
        let body: @Sendable () -> Void
        init(_ body: @escaping @Sendable () -> Void) { self.body = body }
    }

    /// Runs `body` on a new thread and waits, without blocking, until it returns.
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

    /// Runs `body` on a new thread that nobody waits for.
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

    /// No thread could be made; `code` is an `errno` value.
    package struct ThreadError: Error {
        package var code: Int32
    }
}
