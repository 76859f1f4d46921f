import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// Reasoning that ends before the model ends it.
@Suite struct EngineReasoningTests {
    static let deep = "Think for a long time about rivers."

    /// The number of tokens between the reasoning delimiters.
    func reasoningTokenCount(_ tokens: [Int32], _ bench: ControlBench) -> Int {
        var tracker = ReasoningTracker(ControlBench.reasoningRule)
        for token in tokens { tracker.consume(bench.loaded.vocabulary.piece(token)) }
        return tracker.tokenCount
    }

    @Test(arguments: [0, 1, 2, 3, 7, 20]) func budgetIsNeverExceeded(_ budget: Int) throws {
        let bench = try ControlBench()
        let closing = try bench.loaded.tokenizer.tokens(
            of: Prompt(pieces: [.text("\n</think>\n\n", isTrusted: true)], addsBeginning: false))
        let handle = try bench.submit(Self.deep) { $0.reasoning?.budget = budget }
        bench.run(handle)
        let completion = bench.completion(handle)
        // The tokens of the closing text before the delimiter count as reasoning.
        let delimiter = closing.firstIndex { bench.loaded.vocabulary.piece($0).elementsEqual("</think>".utf8) } ?? 0
        #expect(reasoningTokenCount(completion.tokens, bench) == budget + delimiter)
        #expect(completion.text.components(of: "</think>") == 1)
        let content = completion.text.components(behind: "</think>")
        #expect(!content.contains("think>"))
        #expect(content.contains { !$0.isWhitespace }, "no completion follows")
        #expect(completion.summary?.reason == .endOfGeneration)
    }

    @Test func reasoningThatThePromptOpensHasABudgetToo() throws {
        for budget in [0, 3] {
            let bench = try ControlBench()
            let handle = try bench.submit(Self.deep) {
                $0.prompt.pieces.append(.text("<think>\n", isTrusted: true))
                $0.reasoning?.isOpen = true
                $0.reasoning?.budget = budget
                $0.reasoning?.message = " That is enough."
            }
            bench.run(handle)
            let completion = bench.completion(handle)
            #expect(completion.text.contains(" That is enough.\n</think>\n\n"))
            #expect(completion.text.components(of: "</think>") == 1)
            if budget == 0 { #expect(completion.text.hasPrefix(" That is enough.")) }
        }
    }

    @Test func reasoningEndsAtEveryToken() throws {
        let bench = try ControlBench()
        let whole = try bench.submit(Self.deep)
        bench.run(whole)
        let length = reasoningTokenCount(bench.completion(whole).tokens, bench)
        try #require(length > 20)
        for count in [1, 2, 3, 4, 6, 9, 13, 20, 31, 50, 80] where count <= length {
            let handle = try bench.submit(Self.deep) { $0.parameters.maximumTokens = 200 }
            bench.run(handle, to: count)
            guard case .applied(.reasoningEnded, count) = bench.send(.endReasoning(message: nil), handle) else {
                Issue.record("not ended at \(count)")
                continue
            }
            bench.run(handle)
            let completion = bench.completion(handle)
            #expect(Array(completion.tokens.prefix(count)) == Array(bench.completion(whole).tokens.prefix(count)))
            #expect(completion.text.components(of: "</think>") == 1)
            #expect(completion.text.components(behind: "</think>").contains { !$0.isWhitespace }, "at \(count)")
        }
    }

    /// With 16 streams: the forced token is emitted before the next decode begins.
    @Test func forcedTokenComesWithinTwoDecodesOfTheCommand() throws {
        let bench = try ControlBench(sequences: 16, context: 512)
        let handles = try (0..<16).map { try bench.submit(Self.deep + " \($0)") }
        for handle in handles { bench.run(handle, to: 5) }
        let decodes = bench.board.copy.counters.decodes
        let count = bench.completion(handles[7]).tokens.count
        let number = bench.post(.endReasoning(message: "Enough."), handles[7])
        while bench.completion(handles[7]).tokens.count == count { _ = bench.loop.runStep() }
        #expect(bench.result(number, handles[7]) != nil)
        #expect(bench.board.copy.counters.decodes <= decodes + 2)
        let forced = try bench.tokens("Enough.")
        #expect(Array(bench.completion(handles[7]).tokens[count...].prefix(forced.count)) == forced)
        for handle in handles {
            bench.run(handle)
            #expect(bench.completion(handle).isEnded)
        }
    }

    @Test func refusedCommandStatesTheReason() throws {
        let bench = try ControlBench()
        let unmarked = try bench.submit(Self.deep) { $0.reasoning = nil }
        bench.run(unmarked, to: 2)
        #expect(bench.send(.endReasoning(message: nil), unmarked) == .refused(.noReasoningDelimiters))
        var change = SettingsChange(keys: [.reasoningBudget])
        change.values.reasoningBudget = 5
        #expect(bench.send(.set(change), unmarked) == .refused(.noReasoningDelimiters))

        let handle = try bench.submit("Count from 1 to 9.")
        bench.run(handle, to: 1)
        while !bench.loaded.vocabulary.text(of: bench.completion(handle).tokens).contains("</think>") {
            _ = bench.loop.runStep()
        }
        #expect(bench.send(.endReasoning(message: nil), handle) == .refused(.reasoningAlreadyEnded))
    }

    @Test func reasoningBudgetCanBeSetWhileTheGenerationRuns() throws {
        let bench = try ControlBench()
        let handle = try bench.submit(Self.deep)
        bench.run(handle, to: 15)
        var change = SettingsChange(keys: [.reasoningBudget])
        change.values.reasoningBudget = 4
        bench.send(.set(change), handle)
        let text = bench.loaded.vocabulary.text(of: bench.completion(handle).tokens)
        #expect(text.contains("</think>"), "\(text)")
        bench.run(handle)
        #expect(bench.completion(handle).summary?.reason == .endOfGeneration)
    }

    @Test func severalBlocksHaveOneBudget() {
        var tracker = ReasoningTracker(
            ReasoningRule(start: "<think>", end: "</think>", closing: "</think>", isOpen: false, budget: 3))
        for token in ["<think>", "a", "b", "</think>", "so", "<thi", "nk>"] { tracker.consume(ArraySlice(token.utf8)) }
        #expect(tracker.phase == .reasoning)
        #expect(tracker.tokenCount == 2)
        #expect(!tracker.isExhausted)
        tracker.consume(ArraySlice("c".utf8))
        #expect(tracker.isExhausted)
        for token in ["</", "think", ">"] { tracker.consume(ArraySlice(token.utf8)) }
        #expect(tracker.phase == .content)
        #expect(!tracker.isExhausted)
    }

    @Test func toolCallEndsReasoningAndItsBudget() {
        var rule = ReasoningRule(start: "<think>", end: "</think>", closing: "</think>", isOpen: true, budget: 3)
        rule.callStarts = ["<tool_call>", "<function="]
        for start in [["<tool_call>"], ["<tool", "_call", ">"], ["<fun", "ction="]] {
            var tracker = ReasoningTracker(rule)
            for token in ["a", "<tool"] + start { tracker.consume(ArraySlice(token.utf8)) }
            #expect(tracker.phase == .content)
            for token in ["{", "}", "b", "c"] { tracker.consume(ArraySlice(token.utf8)) }
            #expect(!tracker.isExhausted && tracker.tokenCount == start.count + 1)
        }
    }

    @Test func whiteSpaceIsNoContent() {
        var tracker = ReasoningTracker(ControlBench.reasoningRule)
        tracker.consume(ArraySlice("\n <th".utf8))
        #expect(tracker.phase == .notBegun)
        tracker.consume(ArraySlice("anks".utf8))
        #expect(tracker.phase == .content)
    }

    @Test func characterIsFinishedFirst() {
        #expect(CharacterEnd.isReached(by: Array("é".utf8)))
        #expect(!CharacterEnd.isReached(by: Array("a🦊".utf8).dropLast()))
        #expect(!CharacterEnd.isReached(by: Array("🦊".utf8).prefix(1)))
        #expect(CharacterEnd.isReached(by: []))
    }
}

extension Vocabulary {
    func text(of tokens: [Int32]) -> String { String(decoding: tokens.flatMap { piece($0) }, as: UTF8.self) }
}

extension String {
    func components(of text: String) -> Int { ranges(of: text).count }

    func components(behind text: String) -> String {
        ranges(of: text).last.map { String(self[$0.upperBound...]) } ?? ""
    }
}
