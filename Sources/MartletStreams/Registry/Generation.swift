package import MartletProtocol
package import NIOCore
internal import Synchronization

/// One generation as everybody knows it who has to do with it, from its admission until nobody needs it any more.
///
/// Thread: any.
package final class Generation: Sendable {
    package let spec: GenerationSpec
    package let handle: GenerationHandle
    package let log: GenerationLog
    /// The response's bytes.
    package let response: EncodedStream
    /// The same with the events' numbers in it.
    package let numberedResponse: EncodedStream
    let begin: NIODeadline
    /// Whether an earlier process began it. What that one told last may be missing here until it is written again.
    package let isRestored: Bool

    private let identifiedCommands = Mutex(IdentifiedCommands())

    private let timelineState: Mutex<GenerationTimeline>

    private struct Readers {
        var count = 0
        /// When it had readers last; `begin` if it never had.
        var lastPresent: NIODeadline
    }
    private let readers: Mutex<Readers>
    private let eventStream = Mutex<EncodedStream?>(nil)

    init(_ spec: GenerationSpec, handle: GenerationHandle, begin: NIODeadline, isRestored: Bool = false) {
        self.spec = spec
        self.handle = handle
        self.begin = begin
        self.isRestored = isRestored
        log = GenerationLog(head: spec.head)
        response = EncodedStream(of: log, as: spec.view, countsBytes: true)
        numberedResponse = EncodedStream(of: log, as: NumberedEventView(spec.view))
        readers = Mutex(Readers(lastPresent: begin))
        timelineState = Mutex(GenerationTimeline(begin: begin))
    }

    /// When it came how far.
    var timeline: GenerationTimeline { timelineState.withLock { $0 } }

    func reach(_ milestone: GenerationTimeline.Milestone, at time: NIODeadline) {
        timelineState.withLock { $0.reach(milestone, at: time) }
    }

    /// Of all choices, the first one's first.
    var handles: [GenerationHandle] {
        (0..<spec.choiceCount).map { GenerationHandle(rawValue: handle.rawValue + UInt64($0)) }
    }

    /// The handle of one of its choices.
    package func handle(ofChoice choice: Int) -> GenerationHandle {
        GenerationHandle(rawValue: handle.rawValue + UInt64(choice))
    }

    /// The log in one more format, shared by all who read it so.
    /// - Parameter makeView: called for the first one.
    package func events(as makeView: () -> any StreamView) -> EncodedStream {
        eventStream.withLock { encodedStream in
            if let encodedStream { return encodedStream }
            let made = EncodedStream(of: log, as: makeView())
            encodedStream = made
            return made
        }
    }

    /// The order that was given under this name before.
    func command(identity: CommandIdentity) throws(CommandIdentityError) -> CommandPromise? {
        try identifiedCommands.withLock { commands throws(CommandIdentityError) in
            try commands.promise(identity: identity)
        }
    }

    /// Remembers an order for as long as the generation is known.
    func addCommand(_ promise: CommandPromise, identity: CommandIdentity) throws(CommandIdentityError) {
        try identifiedCommands.withLock { commands throws(CommandIdentityError) in
            try commands.add(promise, identity: identity)
        }
    }

    /// Forgets the orders that were not replied to.
    func removeUnresolved() { identifiedCommands.withLock { $0.removeUnresolved() } }

    /// Counts somebody who reads or waits, until the seat is left.
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

    /// Since when nobody reads it; `nil` = somebody does.
    var readerlessSince: NIODeadline? {
        readers.withLock { $0.count == 0 ? $0.lastPresent : nil }
    }
}

/// The place of one who reads a generation or waits for its end.
package final class ReaderLease: Sendable {
    private let generation: Generation
    private let clock: @Sendable () -> NIODeadline
    private let isReleased = Atomic(false)

    fileprivate init(in generation: Generation, clock: @escaping @Sendable () -> NIODeadline) {
        self.generation = generation
        self.clock = clock
    }

    /// May be called more than once.
    package func release() {
        guard !isReleased.exchange(true, ordering: .acquiringAndReleasing) else { return }
        generation.releaseReader(at: clock())
    }
}
