import MartletPlatform

/// An operating-system thread that runs one closure.
///
/// It is not a task: a decode blocks for milliseconds to seconds and would starve tasks, which share a few threads. The
/// stack has 8 MiB, because libllama expects that of a thread, and secondary threads have far less on some systems.
///
/// `@unchecked Sendable`: the handle is written before `init` returns and only read afterwards.
final class EngineThread: @unchecked Sendable {
    private final class Body {
        let run: @Sendable () -> Void
        init(_ run: @escaping @Sendable () -> Void) { self.run = run }
    }

    private let handle: pthread_t

    /// Starts a thread.
    ///
    /// - Returns: `nil` if the system cannot create a thread.
    init?(_ run: @escaping @Sendable () -> Void) {
        var attributes = pthread_attr_t()
        guard pthread_attr_init(&attributes) == 0 else { return nil }
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, 8 << 20)
        let body = Unmanaged.passRetained(Body(run))
        #if canImport(Darwin)
            var created: pthread_t?
            let result = pthread_create(
                &created, &attributes,
                { context in
                    Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run()
                    return nil
                }, body.toOpaque())
            guard result == 0, let created else {
                body.release()
                return nil
            }
        #else
            var created = pthread_t()
            let result = pthread_create(
                &created, &attributes,
                { context in
                    if let context { Unmanaged<Body>.fromOpaque(context).takeRetainedValue().run() }
                    return nil
                }, body.toOpaque())
            guard result == 0 else {
                body.release()
                return nil
            }
        #endif
        handle = created
    }

    /// Waits until the closure has returned. May be called once, from another thread.
    func join() {
        pthread_join(handle, nil)
    }
}
