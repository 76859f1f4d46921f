import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// Thinking that is ended before the model ends it.
@Suite struct ReasoningTests {
    static let deep = "Think for a long time about rivers."

    /// Tokens between the think markers.
    func thoughtCount(_ tokens: [Int32], _ bench: ControlBench) -> Int {
        var control = ReasoningControl(ControlBench.thinking)
        for token in tokens { control.take(bench.loaded.vocabulary.piece(token)) }
        return control.tokenCount
    }

    @Test(arguments: [0, 1, 2, 3, 7, 20]) func budgetIsNeverExceeded(_ budget: Int) throws {
        let bench = try ControlBench()
        let closing = try bench.loaded.tokenizer.tokens(
            of: Prompt(pieces: [.text("\n</think>\n\n", isTrusted: true)], addsBeginning: false))
        let handle = try bench.submit(Self.deep) { $0.reasoning?.budget = budget }
        bench.run(handle)
        let answer = bench.answer(handle)
        // Of the closer, what comes before the marker counts as thinking.
        let marker = closing.firstIndex { bench.loaded.vocabulary.piece($0).elementsEqual("</think>".utf8) } ?? 0
        #expect(thoughtCount(answer.tokens, bench) == budget + marker)
        #expect(answer.text.components(of: "</think>") == 1)
        let content = answer.text.components(behind: "</think>")
        #expect(!content.contains("think>"))
        #expect(content.contains { !$0.isWhitespace }, "no answer follows")
        #expect(answer.completion?.reason == .endOfGeneration)
    }

    @Test func openBlockHasABudgetToo() throws {
        for budget in [0, 3] {
            let bench = try ControlBench()
            let handle = try bench.submit(Self.deep) {
                $0.prompt.pieces.append(.text("<think>\n", isTrusted: true))
                $0.reasoning?.isOpen = true
                $0.reasoning?.budget = budget
                $0.reasoning?.message = " That is enough."
            }
            bench.run(handle)
            let answer = bench.answer(handle)
            #expect(answer.text.contains(" That is enough.\n</think>\n\n"))
            #expect(answer.text.components(of: "</think>") == 1)
            if budget == 0 { #expect(answer.text.hasPrefix(" That is enough.")) }
        }
    }

    @Test func thinkingEndsAtEveryToken() throws {
        let bench = try ControlBench()
        let whole = try bench.submit(Self.deep)
        bench.run(whole)
        let length = thoughtCount(bench.answer(whole).tokens, bench)
        try #require(length > 20)
        for count in [1, 2, 3, 4, 6, 9, 13, 20, 31, 50, 80] where count <= length {
            let handle = try bench.submit(Self.deep) { $0.maximumTokens = 200 }
            bench.run(handle, to: count)
            guard case .applied(.reasoningEnded, count) = bench.order(.endReasoning(message: nil), handle) else {
                Issue.record("not ended at \(count)")
                continue
            }
            bench.run(handle)
            let answer = bench.answer(handle)
            #expect(Array(answer.tokens.prefix(count)) == Array(bench.answer(whole).tokens.prefix(count)))
            #expect(answer.text.components(of: "</think>") == 1)
            #expect(answer.text.components(behind: "</think>").contains { !$0.isWhitespace }, "at \(count)")
        }
    }

    /// The figure of 16 streams: the forced token is there before the next decode has begun.
    @Test func forcedTokenComesWithinTwoDecodesOfTheOrder() throws {
        let bench = try ControlBench(sequences: 16, context: 512)
        let handles = try (0..<16).map { try bench.submit(Self.deep + " \($0)") }
        for handle in handles { bench.run(handle, to: 5) }
        let decodes = bench.board.copy.counters.decodes
        let count = bench.answer(handles[7]).tokens.count
        let number = bench.post(.endReasoning(message: "Enough."), handles[7])
        while bench.answer(handles[7]).tokens.count == count { _ = bench.loop.takeTurn() }
        #expect(bench.outcome(number, handles[7]) != nil)
        #expect(bench.board.copy.counters.decodes <= decodes + 2)
        let forced = try bench.tokens("Enough.")
        #expect(Array(bench.answer(handles[7]).tokens[count...].prefix(forced.count)) == forced)
        for handle in handles {
            bench.run(handle)
            #expect(bench.answer(handle).isEnded)
        }
    }

    @Test func orderThatCannotBeObeyedSaysWhy() throws {
        let bench = try ControlBench()
        let unmarked = try bench.submit(Self.deep) { $0.reasoning = nil }
        bench.run(unmarked, to: 2)
        #expect(bench.order(.endReasoning(message: nil), unmarked) == .refused(.noReasoningMarkers))
        var change = SettingsChange(keys: [.reasoningBudget])
        change.values.reasoningBudget = 5
        #expect(bench.order(.set(change), unmarked) == .refused(.noReasoningMarkers))

        let handle = try bench.submit("Count from 1 to 9.")
        bench.run(handle, to: 1)
        while !bench.loaded.vocabulary.text(of: bench.answer(handle).tokens).contains("</think>") {
            _ = bench.loop.takeTurn()
        }
        #expect(bench.order(.endReasoning(message: nil), handle) == .refused(.alreadyAnswering))
    }

    @Test func budgetCanBeSetOnTheWay() throws {
        let bench = try ControlBench()
        let handle = try bench.submit(Self.deep)
        bench.run(handle, to: 15)
        var change = SettingsChange(keys: [.reasoningBudget])
        change.values.reasoningBudget = 4
        bench.order(.set(change), handle)
        let text = bench.loaded.vocabulary.text(of: bench.answer(handle).tokens)
        #expect(text.contains("</think>"), "\(text)")
        bench.run(handle)
        #expect(bench.answer(handle).completion?.reason == .endOfGeneration)
    }

    @Test func severalBlocksShareOneBudget() {
        var control = ReasoningControl(
            ReasoningRule(start: "<think>", end: "</think>", closing: "</think>", isOpen: false, budget: 3))
        for token in ["<think>", "a", "b", "</think>", "so", "<thi", "nk>"] { control.take(ArraySlice(token.utf8)) }
        #expect(control.phase == .reasoning)
        #expect(control.tokenCount == 2)
        #expect(!control.isExhausted)
        control.take(ArraySlice("c".utf8))
        #expect(control.isExhausted)
        for token in ["</", "think", ">"] { control.take(ArraySlice(token.utf8)) }
        #expect(control.phase == .answering)
        #expect(!control.isExhausted)
    }

    @Test func callEndsThinkingAndTheBudgetForIt() {
        var rule = ReasoningRule(start: "<think>", end: "</think>", closing: "</think>", isOpen: true, budget: 3)
        rule.callStarts = ["<tool_call>", "<function="]
        for start in [["<tool_call>"], ["<tool", "_call", ">"], ["<fun", "ction="]] {
            var control = ReasoningControl(rule)
            for token in ["a", "<tool"] + start { control.take(ArraySlice(token.utf8)) }
            #expect(control.phase == .answering)
            for token in ["{", "}", "b", "c"] { control.take(ArraySlice(token.utf8)) }
            #expect(!control.isExhausted && control.tokenCount == start.count + 1)
        }
    }

    @Test func whiteSpaceIsNoAnswer() {
        var control = ReasoningControl(ControlBench.thinking)
        control.take(ArraySlice("\n <th".utf8))
        #expect(control.phase == .notBegun)
        control.take(ArraySlice("anks".utf8))
        #expect(control.phase == .answering)
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
