import Logging
import MartletJSON
import MartletProtocol
import MartletStreams
import MartletTestSupport
import Synchronization
import Testing

@testable import MartletGenerations

/// The state of the model, adapters, and the reasoning tokens of earlier outputs.
@Suite struct ModelStateTests {
    private static let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// A random sequence of states against the drawing in `ModelReadiness`.
    @Test(arguments: 0..<40) func waitersAreResumedOnceWhenTheModelIsKnown(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let readiness = ModelReadiness(configuration: GenerationConfiguration(), logger: Self.logger)
        let resumed = Mutex<[Int: Bool]>([:])
        var (isKnown, isFailed) = (false, false)
        var expected: [Int: Bool] = [:]
        var waiting: [Int] = []
        for number in 0..<60 {
            switch Int.random(in: 0..<6, using: &random) {
            case 0 where !isFailed:
                readiness.engineStateChanged(.loading(LoadProgress(stage: .warmUp, fraction: 0.5)))
                // A restarting engine loads a model that is known already.
                if case .loading = readiness.state { isKnown = false }
            case 1 where !isFailed:
                readiness.engineStateChanged(.ready(.fake))
                isKnown = true
            case 2 where !isFailed: readiness.engineStateChanged(.restarting(EngineError(.engineLost, "gone")))
            case 3 where Int.random(in: 0..<8, using: &random) == 0:
                readiness.engineStateChanged(.failed(EngineError(.loadFailed, "no")))
                (isKnown, isFailed) = (false, true)
            default:
                waiting.append(number)
                readiness.whenResolved { result in
                    let isSuccess = if case .success = result { true } else { false }
                    resumed.withLock { calls in
                        #expect(calls[number] == nil, "called twice")
                        calls[number] = isSuccess
                    }
                }
            }
            if isKnown || isFailed {
                for number in waiting { expected[number] = isKnown }
                waiting = []
            }
            #expect(resumed.withLock { $0 } == expected)
            #expect((readiness.model != nil) == isKnown)
            if !isKnown { #expect(throws: GenerationError.self) { try readiness.readyModel() } }
        }
    }

    @Test func theReasonForAMissingModelDependsOnTheState() {
        let readiness = ModelReadiness(configuration: GenerationConfiguration(), logger: Self.logger)
        #expect(readiness.unavailability.kind == .unavailable)
        readiness.engineStateChanged(.restarting(EngineError(.engineLost, "the worker died")))
        #expect(readiness.unavailability.message.contains("the worker died"))
        readiness.engineStateChanged(.failed(EngineError(.loadFailed, "no such file")))
        #expect(readiness.unavailability.kind == .failed)
        #expect(readiness.unavailability.message == "no such file")
    }

    @Test func scalesOfTheStartHoldUntilAClientSetsOthers() {
        var information = ModelInformation.fake
        information.adapters = [0.5, 0, 2].map { AdapterInformation(path: "a", scale: $0) }
        let scales = AdapterScales()
        #expect(scales.current(of: information).map(\.scale) == [0.5, 0, 2])
        #expect(scales.current(of: information).map(\.index) == [0, 1, 2])
        scales.set([AdapterScale(index: 2, scale: 1)])
        #expect(scales.current(of: information) == [AdapterScale(index: 2, scale: 1)])
        scales.set([])
        #expect(scales.current(of: information).isEmpty)
    }

    // MARK: Warnings

    /// The pieces of a parser that marks its own calls.
    private struct Marker: OutputParsing {
        mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) { emit(.text(.reasoning, bytes)) }
        mutating func finish(emit: (OutputPiece) -> Void) { emit(.text(.content, [0x2E])) }
    }

    @Test(arguments: [0, 1, 3]) func warningsComeOnceAndFirst(appends: Int) {
        for parser in [nil, Marker()] as [Marker?] {
            var wrapped = WarningParser(["a", "b"], before: parser)
            var pieces: [OutputPiece] = []
            for _ in 0..<appends { wrapped.append([0x78]) { pieces.append($0) } }
            wrapped.finish { pieces.append($0) }
            let channel = parser == nil ? OutputChannel.content : .reasoning
            var expected: [OutputPiece] = [.warning("a"), .warning("b")]
            expected += Array(repeating: .text(channel, [0x78]), count: appends)
            if parser != nil { expected.append(.text(.content, [0x2E])) }
            #expect(pieces == expected)
        }
    }

    // MARK: Reasoning tokens

    /// Counts against a list of all outputs so far.
    @Test(arguments: 0..<20) func countsAreThoseOfTheNewestOutput(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let core = Core()
        let counts = ReasoningTokenCounts()
        let texts = ["", "a", "b\n", " b", "long thought", "e\u{301}", "\u{E9}"]
        var known: [(text: String, owner: Owner, count: Int)] = []
        for _ in 0..<30 {
            let owner = Bool.random(using: &random) ? Owner.open : Owner(rawValue: "k")
            let text = texts.randomElement(using: &random) ?? ""
            if Bool.random(using: &random) {
                var spec = GenerationSpec(
                    head: LogHead(created: 0, model: "m"),
                    view: EventView(head: ResponseHead(id: "x", created: 0, model: "m", fingerprint: "")))
                spec.owner = owner
                let generation = try core.registry.prepare(spec)
                counts.count(generation)
                var timings = Timings()
                timings.reasoningTokens = Int.random(in: 1...9, using: &random)
                generation.log.append(
                    .text(.reasoning, token: 1, bytes: Array(text.utf8)[...]),
                    .finished(GenerationSummary(reason: .endOfGeneration, timings: timings)))
                if !text.isEmpty { known.append((text, owner, timings.reasoningTokens)) }
            }
            let asked = (0..<3).map { _ in texts.randomElement(using: &random) ?? "" }
            let result = counts.tokens(of: asked, owner: owner)
            var (sum, unknown) = (0, [String]())
            for text in asked {
                let last = known.last { entry in
                    entry.owner == owner && Self.trimmed(entry.text).elementsEqual(Self.trimmed(text))
                }
                if let last { sum += last.count } else { unknown.append(text) }
            }
            #expect(result.count == sum)
            #expect(result.unknown.map { Array($0.utf8) } == unknown.map { Array($0.utf8) })
        }
    }

    /// The bytes of a text without white space around it.
    private static func trimmed(_ text: String) -> [UInt8] {
        var characters = Array(text)
        while characters.last?.isWhitespace == true { characters.removeLast() }
        while characters.first?.isWhitespace == true { characters.removeFirst() }
        return Array(String(characters).utf8)
    }
}
