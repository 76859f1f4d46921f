import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletStreams

@Suite struct DetailedTextTests {
    private static func probabilities(_ id: Int32) -> TokenProbabilities {
        var result = TokenProbabilities(textOffset: 0)
        result.append(id: id, value: -1, bytes: [0xC3])
        return result
    }

    private static let mixed: [LogEvent] = [
        .admitted(promptTokens: 1), .token(1, "plain"),
        .detailedText(.content, token: 2, bytes: Array("héé".utf8)[...], [probabilities(2), probabilities(3)]),
        .detailedText(.reasoning, token: nil, bytes: [], [probabilities(4)]), .token(5, "more"),
        .detailedText(.delimiter, token: 6, bytes: Array("<x>".utf8)[...], []), .finished(),
    ]

    @Test(arguments: [1, 2, 3, 100]) func aLogRetainsProbabilitiesHoweverItIsRead(limit: Int) {
        var storage = LogStorage()
        for event in Self.mixed { storage.append(event) }
        var cursor = LogCursor()
        var batch = LogBatch()
        var events: [LogEvent] = []
        while cursor.position < storage.records.count {
            storage.copy(from: &cursor, limit: limit, into: &batch)
            batch.forEach { event, _ in events.append(event) }
        }
        #expect(events == Self.mixed)
    }

    @Test func scoredTextCountsForTheLimit() {
        var storage = LogStorage(maximumTextBytes: 4)
        storage.append(.detailedText(.content, token: 2, bytes: Array("abc".utf8)[...], []))
        storage.append(.detailedText(.content, token: 3, bytes: Array("de".utf8)[...], []))
        #expect(storage.isEnded)
        #expect(storage.text.count == 3)
    }

    /// Text up to "|" is reasoning.
    private struct BarParser: OutputParsing {
        private var isBehind = false

        mutating func append(_ bytes: ArraySlice<UInt8>, emit: (OutputPiece) -> Void) {
            guard !isBehind, let bar = bytes.firstIndex(of: UInt8(ascii: "|")) else {
                if !bytes.isEmpty { emit(.text(isBehind ? .content : .reasoning, bytes)) }
                return
            }
            isBehind = true
            emit(.text(.reasoning, bytes[..<bar]))
            emit(.text(.content, bytes[(bar + 1)...]))
        }

        mutating func finish(emit: (OutputPiece) -> Void) {}
    }

    @Test func probabilitiesGoWithTheLastPieceOfTheirToken() throws {
        let registry = GenerationRegistry()
        let engine = FakeEngine(registry, script: .hold)
        registry.connect(to: engine)
        let generation = try registry.prepare(GenerationSpec())
        let (handle, log) = (generation.handle, generation.log)
        registry.submit(
            GenerationRequest(handle: handle, prompt: Prompt(pieces: [], addsBeginning: false)),
            parser: BarParser())
        func event(_ kind: EngineEvent.Kind, _ ids: Int32...) -> EngineEvent {
            var event = EngineEvent(handle, kind)
            event.probabilities = ids.map(Self.probabilities)
            return event
        }
        engine.send([event(.token(id: 1, text: Array("a|b".utf8)[...]), 1), event(.token(id: 2, text: []))])
        engine.send([event(.token(id: 3, text: []), 2, 3)])
        let completion = GenerationSummary(reason: .endOfGeneration, timings: Timings())
        engine.send([event(.finished(completion, text: Array("z".utf8)[...]), 4)])
        #expect(
            log.events == [
                .text(.reasoning, token: 1, bytes: Array("a".utf8)[...]),
                .detailedText(.content, token: nil, bytes: Array("b".utf8)[...], [Self.probabilities(1)]),
                .text(.content, token: 2, bytes: []),
                .detailedText(.content, token: 3, bytes: [], [Self.probabilities(2), Self.probabilities(3)]),
                .detailedText(.content, token: nil, bytes: Array("z".utf8)[...], [Self.probabilities(4)]),
                .finished(completion),
            ])
    }

    /// An engine that is restarted during the prefill reports the prompt's tokens again from the first one, split into
    /// other parts.
    @Test func promptTokensAreReportedOnce() throws {
        let registry = GenerationRegistry()
        let engine = FakeEngine(registry, script: .hold)
        registry.connect(to: engine)
        let generation = try registry.prepare(GenerationSpec())
        registry.submit(
            GenerationRequest(handle: generation.handle, prompt: Prompt(pieces: [], addsBeginning: false)))
        func send(_ ids: Range<Int32>) {
            var event = EngineEvent(generation.handle, .promptLogprobs(first: Int(ids.lowerBound)))
            event.probabilities = ids.map(Self.probabilities)
            engine.send([event])
        }
        for ids: Range<Int32> in [0..<2, 2..<5, 0..<1, 1..<4, 4..<7, 7..<8] { send(ids) }
        #expect(
            generation.log.events
                == [0..<2, 2..<5, 5..<7, 7..<8].map { (ids: Range<Int32>) in .promptTokens(ids.map(Self.probabilities))
                })
    }
}
