package import MartletProtocol
package import NIOCore
internal import Synchronization

/// One generation: its spec, its log and its encoded streams. Readers, routes and the registry share the object, from
/// the call of `prepare` until the generation is removed.
///
/// `LiveGeneration` has the part that exists only while the generation runs.
///
/// Thread: any.
package final class Generation: Sendable {
    package let spec: GenerationSpec
    /// The handle of the first choice. The handles of the other choices follow without a gap.
    package let handle: GenerationHandle
    package let log: GenerationLog
    /// The response in the format of the request, for readers that count bytes.
    package let response: EncodedStream
    /// The response with an `id:` line before each event.
    package let numberedResponse: EncodedStream
    let begin: NIODeadline
    /// Whether an earlier process began the generation. The log may lack the last events that the earlier process
    /// emitted until the engine produces them again.
    package let isRestored: Bool

    private let identifiedCommands = Mutex(IdentifiedCommands())

    private let timelineState: Mutex<GenerationTimeline>

    private struct Readers {
        var count = 0
        /// The time at which the last reader left; `begin` if there was no reader yet.
        var lastPresent: NIODeadline
    }
    private let readers: Mutex<Readers>
    /// Made for the first reader: few generations have one.
    private let messageStream = Mutex<EncodedStream?>(nil)
    /// The uptime in nanoseconds at which the log last grew by something that every view shows.
    private let lastOutputTime: Atomic<UInt64>

    init(
        _ spec: GenerationSpec, handle: GenerationHandle, begin: NIODeadline, isRestored: Bool = false,
        timerLoop: @escaping @Sendable () -> any EventLoop = GenerationRegistry.sharedEventLoop
    ) {
        self.spec = spec
        self.handle = handle
        self.begin = begin
        self.isRestored = isRestored
        log = GenerationLog(head: spec.head, timerLoop: timerLoop)
        response = EncodedStream(of: log, as: spec.view, countsBytes: true)
        numberedResponse = EncodedStream(of: log, as: NumberedEventView(spec.view.eventStream))
        readers = Mutex(Readers(lastPresent: begin))
        timelineState = Mutex(GenerationTimeline(begin: begin))
        lastOutputTime = Atomic(begin.uptimeNanoseconds)
    }

    /// The time at which readers last received something; `begin` if they never did.
    ///
    /// An atomic, so that timers on event loops do not wait for a lock under which output is parsed.
    var lastOutput: NIODeadline { .uptimeNanoseconds(lastOutputTime.load(ordering: .relaxed)) }

    func recordOutput(at time: NIODeadline) { lastOutputTime.store(time.uptimeNanoseconds, ordering: .relaxed) }

    /// The times at which the generation reached its milestones.
    var timeline: GenerationTimeline { timelineState.withLock { $0 } }

    /// Records a milestone, unless it was reached before.
    func reach(_ milestone: GenerationTimeline.Milestone, at time: NIODeadline) {
        timelineState.withLock { $0.reach(milestone, at: time) }
    }

    /// The handles of all choices, in the order of the choices.
    var handles: [GenerationHandle] {
        (0..<spec.choiceCount).map { GenerationHandle(rawValue: handle.rawValue + UInt64($0)) }
    }

    /// The handle of a choice.
    /// - Parameter choice: from 0 to `spec.choiceCount` - 1.
    package func handle(ofChoice choice: Int) -> GenerationHandle {
        GenerationHandle(rawValue: handle.rawValue + UInt64(choice))
    }

    /// The log as messages of a WebSocket, shared by all readers.
    package var messages: EncodedStream {
        messageStream.withLock { encodedStream in
            if let encodedStream { return encodedStream }
            let made = EncodedStream(of: log, as: spec.view.messages)
            encodedStream = made
            return made
        }
    }

    /// The command that was sent under this request id before; nil without one.
    /// - Throws: when the request id belongs to a command with other content.
    func command(identity: CommandIdentity) throws(CommandIdentityError) -> CommandPromise? {
        try identifiedCommands.withLock { commands throws(CommandIdentityError) in
            try commands.promise(identity: identity)
        }
    }

    /// Remembers a command until the generation is removed, so that a repetition gets the first reply.
    /// - Throws: when the generation remembers too many commands that took effect.
    func addCommand(_ promise: CommandPromise, identity: CommandIdentity) throws(CommandIdentityError) {
        try identifiedCommands.withLock { commands throws(CommandIdentityError) in
            try commands.add(promise, identity: identity)
        }
    }

    /// Forgets the commands that have no reply yet.
    func removeUnresolved() { identifiedCommands.withLock { $0.removeUnresolved() } }

    /// Counts a reader, or a client that waits for the end, until the lease is released.
    ///
    /// A resumable generation without any lease ends after `Retention.orphanTime`.
    package func acquireReaderLease(clock: @escaping @Sendable () -> NIODeadline = { .now() }) -> ReaderLease {
        readers.withLock { $0.count += 1 }
        return ReaderLease(in: self, clock: clock)
    }

    fileprivate func releaseReader(at now: NIODeadline) {
        readers.withLock { readers in
            readers.count -= 1
            readers.lastPresent = now
        }
    }

    /// Whether the generation has a reader, or a client that waits for its end.
    package var hasReaders: Bool { readerlessSince == nil }

    /// The time since which the generation has no reader; `nil` = it has readers.
    var readerlessSince: NIODeadline? {
        readers.withLock { $0.count == 0 ? $0.lastPresent : nil }
    }
}

/// A claim of one reader, or of one client that waits for the end, that the generation must continue.
package final class ReaderLease: Sendable {
    private let generation: Generation
    private let clock: @Sendable () -> NIODeadline
    private let isReleased = Atomic(false)

    fileprivate init(in generation: Generation, clock: @escaping @Sendable () -> NIODeadline) {
        self.generation = generation
        self.clock = clock
    }

    /// Ends the claim. Later calls do nothing.
    package func release() {
        guard !isReleased.exchange(true, ordering: .acquiringAndReleasing) else { return }
        generation.releaseReader(at: clock())
    }
}
