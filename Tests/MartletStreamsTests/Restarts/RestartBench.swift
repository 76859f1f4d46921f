import MartletProtocol
import NIOCore
import NIOEmbedded
import Synchronization
import Testing

@testable import MartletStreams

/// A server's work for one generation, with a registry, a log, a journal writer and a file. The test decides when the
/// engine steps and when the journal's thread writes.
final class RestartBench {
    let registry: GenerationRegistry
    let engine: SteppingEngine
    let loop: ReaderLoop
    let eventLoop = EmbeddedEventLoop()
    private(set) var generation: Generation
    private let disk = Disk()
    private var writer: JournalWriter
    private let folder: JournalFolder

    /// Entries that the journal's thread has not performed yet.
    private final class Disk: GenerationRecorder {
        let entries = Mutex<[Journal.Entry]>([])

        func add(_ entry: Journal.Entry) { entries.withLock { $0.append(entry) } }

        func begin(_ generation: Generation) {
            add(.begin(generation.handle, JournalHead(generation.spec)))
            setCommitPolicy(of: generation)
        }
        func setCommitPolicy(of generation: Generation) {
            generation.log.setCommitPolicy(generation.spec.choiceCount > 1 ? .durableOnly : .textAhead)
        }
        func submit(_ request: GenerationRequest, parser: [UInt8], of generation: Generation) {
            add(.request(generation.handle, JournalRequest(request, model: ModelInformation())))
        }
        func append(_ input: GenerationInput, of generation: Generation, finished: Int64?) {
            add(.input(generation.handle, input))
        }
        func requestCommit(of generation: Generation) {
            if let count = generation.log.consumeCommitRequest() { add(.commit(generation.log, upTo: count)) }
        }
        func remove(_ generation: Generation) { add(.remove(id: generation.spec.head.id)) }
        func erase(_ generation: Generation) async throws(JournalError) { add(.erase(id: generation.spec.head.id)) }
    }

    private init(_ folder: JournalFolder, length: Int, _ make: (GenerationRegistry) throws -> Generation) rethrows {
        self.folder = folder
        writer = JournalWriter(folder: folder, durability: .write, maximumByteCount: .max, maximumOpenCount: 1)
        registry = GenerationRegistry(clock: { .uptimeNanoseconds(1) }, calendar: { 1_000 })
        engine = SteppingEngine(length: length)
        loop = ReaderLoop(eventLoop: eventLoop)
        registry.connect(to: engine)
        registry.record(with: disk)
        generation = try make(registry)
    }

    /// Begins a generation.
    convenience init(_ folder: JournalFolder, length: Int, choices: Int) throws {
        try self.init(folder, length: length) { registry in
            var spec = GenerationSpec(lifetime: .resumable, view: RestartView())
            spec.choiceCount = choices
            spec.choicesPerPrompt = choices
            return try registry.prepare(spec)
        }
        for handle in generation.handles {
            var request = GenerationRequest(handle: handle, prompt: Prompt(pieces: [], addsBeginning: false))
            request.parameters.sampling.seed = handle.rawValue
            registry.submit(request, parser: CommaParser())
        }
    }

    /// A server that restores generation `id` of an earlier server. `goOn` submits it.
    /// - Returns: `nil` when the journal lacks a request of the engine.
    convenience init?(after id: String, _ folder: JournalFolder, length: Int) throws {
        guard try folder.ids().contains(id) else { return nil }
        let result = try folder.read(id)
        let stored = try #require(result.generation)
        #expect(result.damage == nil)
        guard stored.extent.hasRequest else { return nil }
        try self.init(folder, length: length) { registry in
            try #require(
                registry.restore(
                    stored.head.spec(view: RestartView()), inputs: stored.numberedInputs, parser: CommaParser(),
                    isWhole: stored.isWhole, finished: stored.finished))
        }
        guard !stored.isEnded else { return }
        disk.add(.resume(generation.handle, id: id, stored.extent))
        disk.setCommitPolicy(of: generation)
        rest = try #require(stored.continuations(handle: generation.handle))
    }

    private var rest: [GenerationRequest] = []

    var isEnded: Bool { generation.log.extent.isEnded }

    /// The model is loaded.
    func goOn() {
        for request in rest { registry.resubmit(request) }
        rest = []
    }

    /// Steps the engine for one choice.
    func step(_ random: inout some RandomNumberGenerator) {
        guard let handle = engine.running.randomElement(using: &random) else { return }
        let events = engine.step(handle, progress: .random(in: 0..<3, using: &random))
        if !events.isEmpty { registry.receive(events) }
    }

    /// The journal's thread performs its first entries.
    func write(_ count: Int = .max) {
        let entries = disk.entries.withLock { entries in
            let first = Array(entries.prefix(count))
            entries.removeFirst(first.count)
            return first
        }
        var metrics = JournalMetrics()
        var problems: [String] = []
        _ = writer.perform(entries, at: 1_000, metrics: &metrics, problems: &problems)
        #expect(problems == [])
        for case .commit(let log, let count) in entries { log.commit(upTo: count) }
    }

    /// The disk is never so slow that the commit timeout passes.
    func letReadersRead() { eventLoop.advanceTime(by: .microseconds(300)) }
}

/// A parser that withholds a comma until more text follows.
struct CommaParser: OutputParsing {
    private var isHeld = false

    mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) {
        var text = isHeld ? [UInt8(ascii: ",")] + bytes : Array(bytes)
        isHeld = text.last == UInt8(ascii: ",")
        if isHeld { text.removeLast() }
        if !text.isEmpty { emit(.text(.content, text[...])) }
    }

    mutating func finish(emit: (OutputPiece) -> Void) {
        if isHeld { emit(.text(.content, [UInt8(ascii: ",")])) }
        isHeld = false
    }
}

/// A view with one readable part for each event.
struct RestartView: StreamOnlyView {
    func encode(_ event: LogEvent, number: Int, into bytes: inout [UInt8]) {
        let text: String
        switch event {
        case .ping: return ServerSentEvents.appendPing(to: &bytes)
        case .text(_, _, let slice): text = String(decoding: slice, as: UTF8.self)
        case .choice(let choice, .text(_, _, let slice)): text = "\(choice) " + String(decoding: slice, as: UTF8.self)
        case .finished(let completion): text = "END \(completion.reason)"
        case .failed(let error): text = "END \(error.message)"
        default: text = "\(event)"
        }
        bytes += Array("data: \(text)\n\n".utf8)
    }
}
