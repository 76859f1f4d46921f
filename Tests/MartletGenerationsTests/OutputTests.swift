import MartletGenerations
import MartletProtocol
import MartletStreams
import MartletTestSupport
import Testing

/// A whole output is the fold of its events, however the choices interleave.
@Suite struct OutputTests {
    /// The events of one choice and the output that they mean, made side by side.
    private struct Sample {
        var events: [LogEvent] = []
        var (content, reasoning, all) = ("", "", "")
        var tokens: [Int32] = []
        var calls: [(name: String, arguments: String)] = []
        var warnings: [String] = []

        init(_ random: inout SeededGenerator) {
            for id in 0..<Int32.random(in: 0...30, using: &random) {
                let text = ["", "a", "é", "\n", "🐦", "word "].randomElement(using: &random) ?? ""
                let bytes = Array(text.utf8)[...]
                let token: Int32? = Bool.random(using: &random) ? id : nil
                switch Int.random(in: 0..<8, using: &random) {
                case 0:
                    events.append(.call(calls.count, name: "f\(id)"))
                    calls.append(("f\(id)", ""))
                    continue
                case 1 where !calls.isEmpty:
                    let call = Int.random(in: 0..<calls.count, using: &random)
                    events.append(.arguments(call: call, token: token, bytes: bytes))
                    calls[call].arguments += text
                case 2:
                    events.append(.warning("w\(id)"))
                    warnings.append("w\(id)")
                    continue
                case 3: events.append(.text(.delimiter, token: token, bytes: bytes))
                case 4:
                    events.append(.text(.reasoning, token: token, bytes: bytes))
                    reasoning += text
                case 5:
                    events.append(.detailedText(.content, token: token, bytes: bytes, TokenDetails()))
                    content += text
                default:
                    events.append(.text(.content, token: token, bytes: bytes))
                    content += text
                }
                all += text
                if let token { tokens.append(token) }
            }
        }

        func check(_ output: ChoiceOutput) {
            #expect(output.content == Array(content.utf8))
            #expect(output.reasoning == Array(reasoning.utf8))
            #expect(output.allText == Array(all.utf8))
            #expect(output.tokens == tokens)
            #expect(output.warnings == warnings)
            #expect(output.calls.map(\.name) == calls.map(\.name))
            #expect(output.calls.map { String(decoding: $0.arguments, as: UTF8.self) } == calls.map(\.arguments))
        }
    }

    private static func summary(_ tokens: Int) -> GenerationSummary {
        var timings = Timings()
        timings.predictedTokens = tokens
        return GenerationSummary(reason: .endOfGeneration, timings: timings)
    }

    /// Merges the events of several choices at random. The order within each choice stays.
    private static func interleave(_ samples: [Sample], _ random: inout SeededGenerator) -> [LogEvent] {
        var rest = samples.enumerated().map { index, sample in
            (index, (samples.count > 1 ? sample.events + [.ended(summary(index))] : sample.events)[...])
        }
        var events: [LogEvent] = [.admitted(promptTokens: 1), .started(cachedTokens: 0)]
        while let place = rest.indices.filter({ !rest[$0].1.isEmpty }).randomElement(using: &random) {
            guard let event = rest[place].1.popFirst() else { break }
            events.append(rest[place].0 == 0 ? event : .choice(rest[place].0, event))
            if Int.random(in: 0..<6, using: &random) == 0 { events.append(.ping) }
        }
        return events + [.finished(summary(99))]
    }

    @Test(arguments: 1...4) func choicesDoNotMix(count: Int) throws {
        var random = SeededGenerator(seed: UInt64(count))
        for _ in 0..<100 {
            let samples = (0..<count).map { _ in Sample(&random) }
            let output = try ResponseOutput(Self.interleave(samples, &random))
            #expect(output.completion.timings.predictedTokens == 99)
            #expect(output.choices.count == count)
            for (index, (sample, choice)) in zip(samples, output.choices).enumerated() {
                sample.check(choice)
                if count > 1 { #expect(choice.completion.timings.predictedTokens == index) }
            }
        }
    }

    /// The log stores events in another form; the events that come out are those that went in.
    @Test(arguments: 1...3) func theLogKeepsTheOutput(count: Int) throws {
        var random = SeededGenerator(seed: UInt64(40 + count))
        for _ in 0..<50 {
            let samples = (0..<count).map { _ in Sample(&random) }
            let log = GenerationLog(head: LogHead(created: 0, model: "m"))
            for event in Self.interleave(samples, &random) { log.append(event) }
            let output = try ResponseOutput(log.events)
            for (sample, choice) in zip(samples, output.choices) { sample.check(choice) }
        }
    }

    @Test func aRewindRemovesTheTextBehindIt() throws {
        let events: [LogEvent] = [
            .admitted(promptTokens: 1), .started(cachedTokens: 0),
            .text(.content, token: 1, bytes: Array("one ".utf8)[...]),
            .text(.content, token: 2, bytes: Array("two ".utf8)[...]), .warning("stays"),
            .controlled(LoggedCommand(.rewound, token: 1, cut: 3)),
            .text(.content, token: 3, bytes: Array("three".utf8)[...]), .finished(Self.summary(2)),
        ]
        let output = try ResponseOutput(events).choices[0]
        #expect(output.content == Array("one three".utf8))
        #expect(output.tokens == [1, 3] && output.warnings == ["stays"])
    }

    @Test func aLogWithoutItsEndHasNoOutput() {
        let error = #expect(throws: GenerationError.self) { try ResponseOutput([.admitted(promptTokens: 1)]) }
        #expect(error?.kind == .failed)
        let failure = #expect(throws: GenerationError.self) {
            try ResponseOutput([.failed(EngineError(.contextExceeded, "long"))])
        }
        #expect(failure?.kind == .contextExceeded && failure?.message == "long")
    }
}
