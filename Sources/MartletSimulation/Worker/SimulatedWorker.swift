import MartletProtocol
import MartletWorkers

/// A worker process without a model, behind the same frames as a real one.
///
/// Its input and output are bytes, so decoding, partial frames and the end of a pipe are those of production. It may
/// end at any step, hang, load for long, and apply commands late.
///
/// `@unchecked Sendable`: as `SimulatedScheduler`, used on one thread.
final class SimulatedWorker: @unchecked Sendable {
    private enum Phase: Equatable {
        case loading
        case ready
        /// The process exists and does nothing.
        case hanging
        case ended(WorkerExit)
    }
    /// The run that the worker belongs to.
    private let world: SimulatedWorld
    /// How slow the worker is, and how often it fails.
    private let habits: WorkerHabits
    /// The lane of the process.
    private let lane: SimulatedLane
    /// The lane of the edge's thread that reads this worker.
    private let readerLane: SimulatedLane
    /// The random numbers of this worker.
    private var random: SimulationRandom
    /// The part of its life that the worker is in.
    private var phase = Phase.loading
    /// Splits the standard input into frames.
    private var decoder = FrameDecoder()
    /// Frames from the edge that are not applied yet, with the number of steps that each still waits.
    private var inputs: [(frame: EdgeFrame, delay: Int)] = []
    /// Whether the standard input has ended.
    private var isInputClosed = false
    /// The generations that the worker has, in the order of their arrival.
    private var runs: [SimulatedRun] = []
    /// The time at which the model was loaded, in nanoseconds.
    private var lastReady: UInt64 = 0
    /// The time since which the worker works; nil = it does not.
    var readyTime: UInt64? { phase == .ready ? lastReady : nil }
    /// The model that the worker loads.
    private let model: ModelInformation
    /// The number of steps so far.
    private var steps: UInt64 = 0
    /// Whether the next step is scheduled.
    private var hasTimer = false
    /// The number of the last frame behind the greeting.
    private var lastNumber: UInt64 = 0
    /// Whether the worker has repeated a frame, which the edge must refuse.
    private var hasRepeated = false
    /// Bytes that the edge has not read yet.
    private var pipe: [UInt8] = []
    /// Whether the edge is about to read.
    private var isReading = false
    /// Decodes the worker's output as production does.
    private var inbox: WorkerLink.Inbox
    /// Resumed when the edge has read the end of the output.
    private var exitContinuation: CheckedContinuation<WorkerExit, Never>?
    private var exit: WorkerExit?
    /// The end that a fault of the plan demands at the next step.
    var nextDeath: WorkerDeath?

    init(_ link: WorkerLink, in world: SimulatedWorld, readerLane: SimulatedLane) {
        self.world = world
        self.readerLane = readerLane
        habits = world.habits
        model = world.model
        inbox = link.inbox()
        random = world.makeRandom()
        lane = world.scheduler.makeLane("worker")
        write(.hello(version: FrameFormat.version))
        write(.state(.loading(LoadProgress(stage: .textModel, fraction: 0.5))))
        // A process that is to die while a generation waits for the model loads it from a slow disk.
        let loadTime = UInt64(max(habits.loadTime, world.crashMoments.first == .wait ? 500_000_000 : 0))
        for part in 1...2 {
            let time = world.scheduler.now + loadTime * UInt64(part) / 3
            world.scheduler.addTimer(at: time, on: lane) { [weak self] in self?.reportLoad(part) }
        }
        let isFailing = habits.startsPerFailure > 0 && random.chance(1, of: habits.startsPerFailure)
        world.scheduler.addTimer(at: world.scheduler.now + loadTime, on: lane) { [weak self] in
            isFailing ? self?.end(.signaled(9)) : self?.becomeReady()
        }
    }

    /// Reports a part of the load, in thirds.
    private func reportLoad(_ part: Int) {
        guard phase == .loading else { return }
        write(.state(.loading(LoadProgress(stage: .textModel, fraction: Double(part) / 3))))
    }

    /// The model is loaded.
    private func becomeReady() {
        guard phase == .loading else { return }
        phase = .ready
        lastReady = world.scheduler.now
        write(.state(.ready(model)))
        schedule()
    }

    // MARK: The process, as the edge sees it

    /// Bytes arrive at the standard input.
    func receive(_ bytes: [UInt8]) {
        guard !isEnded else { return }
        decoder.append(bytes)
        do {
            while let payload = try decoder.next() {
                let frame = try EdgeFrame(payload: payload)
                let isCommand = if case .control = frame { true } else { false }
                inputs.append((frame, isCommand ? random.number(0...habits.commandDelay) : 0))
            }
        } catch {
            world.fail(.protocol, "the edge wrote bytes that are no frame: \(error)")
        }
        schedule()
    }

    /// The standard input ends: the worker ends, unless it hangs.
    func closeInput() {
        isInputClosed = true
        schedule()
    }

    /// SIGKILL.
    func kill() { end(.signaled(9)) }

    /// Stops without ending: no frame is read or written any more.
    func hang() {
        guard !isEnded else { return }
        phase = .hanging
    }

    /// Returns when the worker has ended and the edge has read all its output.
    func waitForExit() async -> WorkerExit {
        await withCheckedContinuation { continuation in
            if let exit { continuation.resume(returning: exit) } else { exitContinuation = continuation }
        }
    }

    /// The state of the process and of its generations, for messages.
    var summary: String {
        let states = runs.map { run in
            "\(run.request.handle.rawValue) \(run.stage)\(run.request.isPaused ? ", paused" : "")"
        }
        return "the worker is \(phase), with \(inputs.count) frames and [\(states.joined(separator: "; "))]"
    }

    /// Whether the process is gone.
    private var isEnded: Bool { if case .ended = phase { true } else { false } }

    /// Ends the process. Bytes in its pipe can still be read.
    private func end(_ reason: WorkerExit) {
        guard !isEnded else { return }
        world.record("worker", "ends: \(reason)")
        phase = .ended(reason)
        world.scheduler.end(lane)
        runs = []
        readSoon()
    }

    // MARK: Output

    /// Writes a whole frame.
    private func write(_ frame: WorkerFrame) {
        write(encoded(frame))
    }

    /// The bytes of the next frame.
    private func encoded(_ frame: WorkerFrame) -> [UInt8] {
        var bytes: [UInt8] = []
        do {
            if case .hello = frame {
                try frame.encode(to: &bytes)
            } else {
                lastNumber += 1
                try frame.encode(number: lastNumber, to: &bytes)
            }
        } catch {
            world.fail(.protocol, "a worker's frame cannot be encoded: \(error)")
        }
        return bytes
    }

    /// Writes bytes into the pipe.
    private func write(_ bytes: [UInt8]) {
        pipe += bytes
        readSoon()
    }

    /// Lets the reading thread of the edge run, unless it is about to.
    private func readSoon() {
        guard !isReading, exit == nil else { return }
        isReading = true
        world.scheduler.add(to: readerLane) { [self] in read() }
    }

    /// The edge's reading thread reads one chunk, which may end within a frame.
    private func read() {
        isReading = false
        guard !pipe.isEmpty else {
            if case .ended(let reason) = phase { resolve(reason) }
            return
        }
        let count = random.chance(1, of: 4) ? random.number(1...pipe.count) : pipe.count
        let chunk = Array(pipe[..<count])
        pipe.removeFirst(count)
        do {
            try inbox.receive(chunk)
        } catch {
            guard hasRepeated, case .wrongNumber = error else {
                return world.fail(.protocol, "the edge cannot read a worker: \(error)")
            }
            world.reach(.repeatedFrame)
            return resolve(.brokenProtocol(error.description))
        }
        if !pipe.isEmpty || isEnded { readSoon() }
    }

    /// The edge has read the whole output.
    private func resolve(_ reason: WorkerExit) {
        exit = reason
        exitContinuation?.resume(returning: reason)
        exitContinuation = nil
    }

    // MARK: Steps

    /// Whether a step would do anything.
    private var hasWork: Bool { !inputs.isEmpty || isInputClosed || phase == .ready && !runs.isEmpty }

    /// Schedules the next step if there is work.
    private func schedule() {
        guard !hasTimer, hasWork, !isEnded, phase != .hanging else { return }
        hasTimer = true
        let duration = habits.stepTime.least + random.below(habits.stepTime.spread)
        world.scheduler.addTimer(at: world.scheduler.now + UInt64(duration), on: lane) { [weak self] in
            guard let self else { return }
            hasTimer = false
            step()
            schedule()
        }
    }

    /// One step: input, then one step of each generation, then one frame.
    private func step() {
        guard phase != .hanging, !isEnded else { return }
        steps += 1
        applyInputs()
        if isInputClosed { return end(.exited(code: 0)) }
        guard phase == .ready, !isEnded else { return }
        var freeSlots = (0..<habits.slots).filter { slot in !runs.contains { $0.slot == slot } }
        var forks: [SimulatedRun] = []
        var events: [EngineEvent] = []
        for index in runs.indices { events += runs[index].step(freeSlots: &freeSlots, forks: &forks) }
        for fork in forks { world.truth.addFork(fork.request) }
        runs = (runs + forks).filter { run in !events.contains { $0.handle == run.request.handle && $0.isEnd } }
        emit(events)
    }

    /// Writes the frame of a step, unless the worker ends before or within it.
    private func emit(_ events: [EngineEvent]) {
        if habits.stepsPerDeath > 0, world.hasFaults, random.chance(1, of: habits.stepsPerDeath) {
            nextDeath = random.element(of: WorkerDeath.allCases)
        }
        let bytes = events.isEmpty ? [] : encoded(.events(events))
        let death = nextDeath
        nextDeath = nil
        switch death {
        case .beforeFrame: break
        case .withinFrame: write(Array(bytes.prefix(bytes.count / 2)))
        case .behindFrame, nil: if !bytes.isEmpty { write(bytes) }
        case .repeatingFrame:
            hasRepeated = !bytes.isEmpty
            if hasRepeated { write(bytes + bytes) }
        }
        if death != nil { end(.signaled(11)) }
    }

    /// Applies the frames that are due.
    private func applyInputs() {
        var late: [(frame: EdgeFrame, delay: Int)] = []
        for input in inputs {
            // A late command delays the commands behind it: their order stays.
            if input.delay > 0 || phase != .ready && input.frame.needsModel || !late.isEmpty && input.frame.isCommand {
                late.append((input.frame, max(0, input.delay - 1)))
            } else {
                apply(input.frame)
            }
        }
        inputs = isEnded ? [] : late
    }

    /// Applies one frame of the edge.
    private func apply(_ frame: EdgeFrame) {
        switch frame {
        case .submit(let request):
            let isConstrained = SimulatedForm(of: request.prompt.simulatedText) == .grammar
            if isConstrained != (request.parameters.constraint != nil) {
                world.fail(.text, "the request \(request.handle.rawValue) has lost its grammar")
            }
            runs.append(
                SimulatedRun(
                    request, variant: model.parameterCount, tokenizing: random.number(0...2),
                    prefill: random.number(1...habits.prefillSteps)))
        case .cancel(let handle):
            guard let index = runs.firstIndex(where: { $0.request.handle == handle }) else { break }
            runs[index].isCancelled = true
        case .control(let handle, let number, let action):
            guard let index = runs.firstIndex(where: { $0.request.handle == handle }) else { break }
            runs[index].commands.append((number, action))
        case .ping: write(.pulse([ThreadActivity(runs.isEmpty ? .idle : .decoding, steps: steps)]))
        case .shutdown:
            let error = EngineError(.shuttingDown, "the worker ends")
            if !runs.isEmpty { write(.events(runs.map { EngineEvent($0.request.handle, .failed(error)) })) }
            end(.exited(code: 0))
        case .status(let number): write(.status(number, EngineStatus()))
        case .tokenize(let number, _): write(.tokens(number, []))
        case .detokenize(let number, _): write(.bytes(number, []))
        case .embed(let number, _): write(.embeddings(number, []))
        // The slots of this worker hold no tokens between two generations, so an action has nothing to act on.
        case .slot(let number, _): write(.slot(number, SlotActionResult(tokenCount: 0)))
        // No prompt stays in a cache, so nothing is pinned.
        case .hello, .withdraw, .unpin: break
        }
    }
}

extension EdgeFrame {
    fileprivate var isCommand: Bool { if case .control = self { true } else { false } }

    fileprivate var needsModel: Bool {
        switch self {
        case .submit, .cancel, .control, .tokenize, .detokenize, .embed, .slot, .unpin: true
        case .hello, .status, .withdraw, .ping, .shutdown: false
        }
    }
}

/// Starts simulated workers for the supervisor of a simulated edge.
struct SimulatedLauncher: WorkerLauncher {
    private let world: SimulatedWorld
    private let readerLane: SimulatedLane

    init(_ world: SimulatedWorld, readerLane: SimulatedLane) {
        self.world = world
        self.readerLane = readerLane
    }

    func run(_ link: WorkerLink) async -> WorkerExit {
        let worker = SimulatedWorker(link, in: world, readerLane: readerLane)
        world.worker = worker
        link.process.began { worker.kill() }
        let writing = Task {
            await link.outgoing.drain { bytes in worker.receive(bytes) }
            worker.closeInput()
        }
        let exit = await worker.waitForExit()
        link.process.ended()
        link.outgoing.close()
        await writing.value
        return exit
    }
}
