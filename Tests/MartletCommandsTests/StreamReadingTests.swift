import MartletJSON
import MartletTestSupport
import OrderedCollections
import Testing

@testable import MartletCommands

/// Event streams in random pieces, against readers that have the whole text.
@Suite struct StreamReadingTests {
    /// Feeds bytes in pieces of random length.
    private func pieces(_ bytes: [UInt8], _ random: inout SeededGenerator) -> [ArraySlice<UInt8>] {
        var pieces: [ArraySlice<UInt8>] = []
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = min(rest.count, Int.random(in: 1...9, using: &random))
            pieces.append(rest.prefix(count))
            rest = rest.dropFirst(count)
        }
        return pieces
    }

    @Test(arguments: 0..<200) func theParserEqualsAReaderOfWholeLines(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        let lines = [
            "data: a", "data:b", "data:  c ", "data", "data:", ": ping", ":", "event: x", "id: 7", "retry: 5", "", "",
            "dat", "data : x", "data: 世\u{0}",
        ]
        let chosen = (0..<40).map { _ in random.element(of: lines) }
        let text = chosen.map { $0 + (Bool.random(using: &random) ? "\n" : "\r\n") }.joined()
        // The plain reader: an event ends at an empty line, its data are the lines with a break between them.
        var expected: [EventStreamParser.Part] = []
        var data: [String]?
        for line in chosen {
            if line.isEmpty {
                if let data { expected.append(.data(Array(data.joined(separator: "\n").utf8))) }
                data = nil
            } else if line.hasPrefix(":") {
                let comment = line.dropFirst()
                expected.append(.comment(Array((comment.hasPrefix(" ") ? comment.dropFirst() : comment).utf8)))
            } else if line.hasPrefix("data:") {
                let value = line.dropFirst(5)
                data = (data ?? []) + [String(value.hasPrefix(" ") ? value.dropFirst() : value)]
            }
        }
        var parser = EventStreamParser()
        var parts: [EventStreamParser.Part] = []
        for piece in pieces(Array(text.utf8), &random) { parts += parser.feed(piece) }
        #expect(parts == expected)
    }

    @Test func aLineWithoutAnEndNeedsBoundedMemoryAndEndsNoLaterEvent() {
        var parser = EventStreamParser()
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: 1 << 20)
        for _ in 0..<20 {
            let parts = parser.feed(block)
            #expect(parts.isEmpty)
        }
        let parts = parser.feed(Array("\ndata: y\n\n".utf8))
        #expect(parts == [.data([UInt8(ascii: "y")])])
    }

    /// A chunk of a random dialect, and whether it has text.
    private func chunk(_ random: inout SeededGenerator) -> (value: JSONValue, hasText: Bool) {
        let text = random.element(of: ["", "a", "\"", "\\", "世", "\"text\":", " "])
        let hasText = !text.isEmpty
        switch Int.random(in: 0..<6, using: &random) {
        case 0: return (["choices": [["text": .string(text), "index": 0]]], hasText)
        case 1: return (["choices": [["delta": ["content": .string(text)]]]], hasText)
        case 2: return (["choices": [["delta": ["reasoning_content": .string(text)]]]], hasText)
        case 3: return (["content": .string(text), "stop": false], hasText)
        case 4: return (["choices": [["delta": ["role": "assistant", "content": .null]]]], false)
        default: return (["choices": [], "timings": ["predicted_n": 5]], false)
        }
    }

    @Test(arguments: 0..<200) func aTokenIsAnEventWithText(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        var meter = StreamMeter()
        var expected: [Double] = []
        for time in 0..<40 {
            let (value, hasText) = chunk(&random)
            let bytes = Array("data: \(value.text)\n\n".utf8)
            for piece in pieces(bytes, &random) { meter.record(piece, at: Double(time)) }
            if hasText { expected.append(Double(time)) }
        }
        #expect(meter.times == expected)
        #expect(!meter.isComplete && meter.reportedCount == nil && meter.error == nil)
        let count = Int.random(in: 0...9_999, using: &random)
        let usage = "data: {\"choices\":[],\"usage\":{\"completion_tokens\":\(count)}}\n\ndata: [DONE]\n\n"
        for piece in pieces(Array(usage.utf8), &random) { meter.record(piece, at: 99) }
        #expect(meter.reportedCount == count && meter.isComplete && meter.times == expected)
    }

    @Test func anErrorIsCutByBytesAndInOneLine() throws {
        var meter = StreamMeter()
        meter.record(Array("data: {\"error\":{\"message\":\"\(String(repeating: "世", count: 999))\"}}\n".utf8), at: 0)
        let error = try #require(meter.error)
        #expect(error.utf8.count <= 203 && error.hasSuffix("世…"))
    }

    @Test(arguments: 0..<100) func eventsOfAChatAreThoseOfItsChunks(seed: Int) {
        var random = SeededGenerator(seed: UInt64(seed))
        for _ in 0..<20 {
            var delta = JSONObject()
            var expected: [ChatStreamEvent] = []
            if Bool.random(using: &random) {
                let text = random.element(of: ["", "hm", "世"])
                delta["reasoning_content"] = .string(text)
                if !text.isEmpty { expected.append(.reasoning(text)) }
            }
            if Bool.random(using: &random) {
                let text = random.element(of: ["", "hi", "\n"])
                delta["content"] = .string(text)
                if !text.isEmpty { expected.append(.content(text)) }
            }
            var choice: JSONObject = ["delta": .object(delta)]
            if Bool.random(using: &random) {
                choice["finish_reason"] = "stop"
                expected.append(.finished(reason: "stop"))
            }
            let body = JSONValue.object(["choices": [.object(choice)]])
            #expect(ChatStreamEvent.events(inChunk: body.bytes) == expected)
            // Any cut is another form, and has no events.
            let cut = Array(body.bytes.prefix(Int.random(in: 0..<body.bytes.count, using: &random)))
            #expect(ChatStreamEvent.events(inChunk: cut).isEmpty)
        }
    }

    @Test(arguments: [
        #"{"choices":5}"#, #"{"choices":[[]]}"#, #"{"choices":[{"delta":"x"}]}"#, #"{"prompt_progress":{"total":"a"}}"#,
        #"{"choices":[{"delta":{"content":7}}],"timings":{"predicted_n":1}}"#, "7", "[]", "null", "",
    ])
    func chunksOfAnotherFormHaveNoEvents(text: String) {
        #expect(ChatStreamEvent.events(inChunk: Array(text.utf8)).isEmpty)
    }

    @Test(arguments: [
        (#"{"error":"text"}"#, "text"), (#"{"error":{"message":"m"}}"#, "m"),
        (#"{"error":{"code":5}}"#, #"{"code":5}"#),
    ])
    func everyFormOfAnErrorHasAMessage(text: String, message: String) {
        #expect(ChatStreamEvent.events(inChunk: Array(text.utf8)) == [.failed(message)])
    }

    @Test func numbersOfAServerAreWithinTheirRange() {
        let huge: JSONValue = ["total": 9_223_372_036_854_775_807, "processed": -5]
        #expect(PromptReading(huge)?.text == "reading the prompt 0 %")
        #expect(PromptReading(total: 10, processed: 999).text == "reading the prompt 100 %")
        #expect(PromptReading(total: .max, processed: .max).text == "reading the prompt 100 %")
        #expect(PromptReading(total: 1, processed: 0, queuePosition: 0).text == "waiting, next")
    }
}
