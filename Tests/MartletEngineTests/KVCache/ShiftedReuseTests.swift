import Foundation
import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// Cached items that a prompt reuses at other positions (`--cache-reuse`).
@Suite struct ShiftedReuseTests {
    private static func found(_ cached: [Int32], _ prompt: [Int32], _ minimum: Int) -> ShiftedReuse? {
        ShiftedReuse(
            cached: cached, prompt: prompt, common: PrefixTree.commonPrefix(cached[...], prompt[...]),
            minimum: minimum, limit: prompt.count - 1)
    }

    @Test func laterMessagesMoveWhenAnEarlierOneIsDropped() {
        let reuse = Self.found([1, 2, 7, 7, 7, 3, 4, 5, 6, 9], [1, 2, 3, 4, 5, 6, 8], 3)
        #expect(reuse?.removals == [2..<5])
        #expect(reuse?.count == 6)
        #expect(reuse?.movedCount == 4)
    }

    @Test func shortRunsAndItemsOfThePromptAloneEndTheReuse() {
        // A run of two, where three are wanted.
        #expect(Self.found([1, 7, 2, 3, 8], [1, 2, 3, 9, 9], 3) == nil)
        // The prompt has a new item in front of the run.
        #expect(Self.found([1, 7, 2, 3, 4, 5], [1, 6, 2, 3, 4, 5], 3) == nil)
        // The last item of a prompt is computed.
        #expect(Self.found([1, 7, 2, 3, 4], [1, 2, 3, 4], 3) == nil)
        #expect(Self.found([1, 7, 2, 3, 4], [1, 2, 3, 4, 5], 0) == nil)
    }

    /// llama-server's loop over its list of cached tokens, word for word in effect: removals and moves in place.
    private static func peer(_ cached: [Int32], _ prompt: [Int32], _ minimum: Int) -> [Int32] {
        var (headCached, headPrompt) = (0, 0)
        let limit = prompt.count - 1
        while headCached < cached.count, headPrompt < limit, cached[headCached] == prompt[headPrompt] {
            headCached += 1
            headPrompt += 1
        }
        var kept = Array(cached[..<headCached])
        while headCached < cached.count, headPrompt < limit {
            var run = 0
            while headCached + run < cached.count, headPrompt + run < limit,
                cached[headCached + run] == prompt[headPrompt + run]
            {
                run += 1
            }
            if run >= minimum {
                kept += cached[headCached..<headCached + run]
                headCached += run
                headPrompt += run
            } else {
                headCached += 1
            }
        }
        return kept
    }

    @Test(arguments: 0..<300) func theRuleIsThatOfLlamaServer(seed: Int) {
        var random = CounterRandom(seed: UInt64(seed))
        func items(_ count: Int) -> [Int32] { (0..<count).map { _ in Int32(random.next(below: 3)) } }
        let cached = items(random.next(below: 60))
        var prompt = cached
        // The client drops parts, and adds others.
        for _ in 0..<random.next(below: 4) where !prompt.isEmpty {
            let start = random.next(below: prompt.count)
            prompt.removeSubrange(start..<min(prompt.count, start + random.next(below: 12)))
        }
        prompt += items(1 + random.next(below: 8))
        let minimum = 1 + random.next(below: 6)
        let expected = Self.peer(cached, prompt, minimum)
        let common = min(PrefixTree.commonPrefix(cached[...], prompt[...]), prompt.count - 1)
        let reuse = ShiftedReuse(
            cached: cached, prompt: prompt, common: common, minimum: minimum, limit: prompt.count - 1)
        guard let reuse else {
            #expect(expected.count == common)
            return
        }
        var left = cached
        for range in reuse.removals { left.removeSubrange(range) }
        #expect(Array(left.prefix(reuse.count)) == expected)
        #expect(expected == Array(prompt.prefix(reuse.count)))
        #expect(reuse.movedCount <= reuse.count - common)
    }

    // MARK: With a model

    private static func tokens(_ count: Int, _ salt: Int) -> [Int32] { KVCacheKindTests.tokens(count, salt) }

    private static let system = tokens(100, 1)
    private static let messages = (2...4).map { tokens(150, $0 * 13) }
    private static let question = tokens(20, 77)
    private static let whole = system + messages.joined() + question
    /// The client has dropped the first message.
    private static let shortened = system + messages[1...].joined() + question

    private static func run(
        _ bench: ControlBench, _ prompt: [Int32], shift: Int = 0, _ change: (inout GenerationRequest) -> Void = { _ in }
    ) throws -> EventLog.Completion {
        let handle = try bench.submit("") {
            $0.prompt = Prompt(pieces: [.tokens(prompt)], addsBeginning: false)
            $0.parameters.maximumTokens = 8
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.probabilities = ProbabilityRequest(count: 5)
            $0.parameters.cache.shiftLength = shift
            $0.parameters.cache.isExplained = true
            $0.reasoning = nil
            change(&$0)
        }
        bench.run(handle)
        CacheIsolationTests.check(bench.loop.core)
        return bench.completion(handle)
    }

    /// The logprobs behind the shortened prompt when libllama's functions are called as llama-server calls them.
    private static func peerLogprobs() throws -> [Float] {
        var options = Context.Options()
        options.contextLength = 1_024
        let model = try Model(path: TestModels.fledgling)
        var context = try Context(model: model, options: options, abortSignal: DecodeGuard().signal)
        var batch = Batch(capacity: 512)
        var index = 0
        func compute(_ tokens: ArraySlice<Int32>, from position: Int) {
            for start in stride(from: tokens.startIndex, to: tokens.endIndex, by: 64) {
                batch.removeAll()
                for offset in start..<min(start + 64, tokens.endIndex) {
                    index = batch.add(
                        token: tokens[offset], position: position + offset - tokens.startIndex, sequence: 0,
                        wantsLogits: offset + 1 == tokens.endIndex)
                }
                let result = context.decode(batch)
                #expect(result == .done)
            }
        }
        compute(whole[...], from: 0)
        // seq_rm(100, 250), then seq_add(250, …, -150); then everything behind the last moved token is removed.
        let isMoved = context.shift(0, removing: 100..<250)
        let isCut = context.removeTail(of: 0, from: shortened.count - 1)
        #expect(isMoved && isCut)
        compute(shortened[(shortened.count - 1)...], from: shortened.count - 1)
        guard let logits = context.logits(at: index) else { return [] }
        let largest = logits.max() ?? 0
        let total: Float = logits.reduce(0) { $0 + expf($1 - largest) }
        return logits.map { $0 - largest - logf(total) }.sorted(by: >)
    }

    @Test(arguments: [false, true]) func aDroppedMessageCostsOnlyTheNewTokens(isUnified: Bool) throws {
        let bench = try ControlBench(
            sequences: 2, context: isUnified ? 2_048 : 1_024, usesUnifiedKV: isUnified, entries: isUnified ? 8 : 2)
        _ = try Self.run(bench, Self.whole)
        let moved = try Self.run(bench, Self.shortened, shift: 64)
        #expect(moved.cachedTokens == Self.shortened.count - 1)
        let report = try #require(moved.summary?.cacheReport)
        #expect(report.shift == CacheReport.Shift(tokens: Self.shortened.count - 1 - 100, isPossible: true))
        // The result is an approximation, and the same one as llama-server's.
        let shown = try #require(moved.probabilities.first)
        let expected = try Self.peerLogprobs()
        try #require(expected.count > 4 && shown.count > 4)
        for rank in 1...4 {
            let difference = abs(shown[rank].value - expected[rank - 1])
            #expect(difference < 0.25, "rank \(rank)")
        }
        // The next turn continues the moved items.
        let next = try Self.run(bench, Self.shortened + moved.tokens + Self.tokens(9, 5), shift: 64)
        #expect(next.cachedTokens >= Self.shortened.count)
        #expect(next.summary?.cacheReport?.shift?.tokens == 0)
    }

    @Test(arguments: [false, true]) func aRequestThatDoesNotAllowItNeverReusesMovedItems(isUnified: Bool) throws {
        func bench() throws -> ControlBench {
            try ControlBench(
                sequences: 2, context: isUnified ? 2_048 : 1_024, usesUnifiedKV: isUnified, entries: isUnified ? 8 : 2,
                kvStateCacheByteCount: 0)
        }
        let shared = try bench()
        _ = try Self.run(shared, Self.whole)
        #expect(try Self.run(shared, Self.shortened, shift: 64).cachedTokens == Self.shortened.count - 1)
        let exact = try Self.run(shared, Self.shortened)
        #expect(exact.cachedTokens == 0)
        #expect(exact.summary?.cacheReport?.shift == nil)
        #expect(try Self.run(bench(), Self.shortened).tokens == exact.tokens)
        // Another owner, and a request that does not read the cache, get nothing either.
        let other = try Self.run(shared, Self.shortened, shift: 64) { $0.tenant.cacheScope = 9 }
        #expect(other.cachedTokens == 0)
        let unread = try Self.run(shared, Self.shortened, shift: 64) { $0.parameters.reusesPrompt = false }
        #expect(unread.cachedTokens == 0)
    }

    /// The items of a running prompt, and shared cells, stay where they are.
    @Test func sharedCellsAreNotMoved() throws {
        let bench = try ControlBench(sequences: 3, context: 4_096, usesUnifiedKV: true, entries: 8)
        _ = try Self.run(bench, Self.whole)
        // This one shares the cells of the first, which therefore cannot move.
        let branch = Self.whole.dropLast(15) + Self.tokens(40, 9)
        let running = try bench.submit("") {
            $0.prompt = Prompt(pieces: [.tokens(Array(branch))], addsBeginning: false)
            $0.parameters.maximumTokens = 40
            $0.parameters.ignoresEndOfGeneration = true
            $0.reasoning = nil
        }
        bench.run(running, to: 3)
        let moved = try Self.run(bench, Self.shortened, shift: 64)
        #expect(moved.cachedTokens <= 100)
        bench.run(running)
        #expect(bench.completion(running).tokens.count == 40)
        #expect(bench.completion(running).error == nil)
    }

    @Test(arguments: ["micro-swa", "micro-hybrid", "micro-mamba"].map(TestModels.random).filter(TestModels.exists))
    func memoryThatCannotBeShiftedIgnoresTheField(model: String) throws {
        let bench = try ControlBench(model: model, sequences: 2, context: 1_024)
        _ = try Self.run(bench, Self.whole)
        let completion = try Self.run(bench, Self.shortened, shift: 64)
        #expect(completion.cachedTokens <= 100)
        #expect(completion.summary?.cacheReport?.shift == CacheReport.Shift(tokens: 0, isPossible: false))
    }

    /// Clients that drop and edit messages, beside clients that do not allow moved items.
    @Test(arguments: [false, true]) func exactRequestsHaveTheirTextBesideShiftedOnes(isUnified: Bool) throws {
        var random = CounterRandom(seed: isUnified ? 21 : 22)
        let bench = try ControlBench(
            sequences: 4, context: isUnified ? 3_072 : 1_024, usesUnifiedKV: isUnified, entries: isUnified ? 12 : 4)
        var prompts = (0..<4).map { Self.system + Self.tokens(200, 100 + $0 * 31) + Self.tokens(150, 900 + $0) }
        var exact: [(prompt: [Int32], handle: GenerationHandle)] = []
        var movedCount = 0
        for _ in 0..<40 {
            let chat = random.next(below: prompts.count)
            let allows = random.next(below: 2) == 0
            var prompt = prompts[chat]
            if prompt.count > 400, random.next(below: 3) > 0 {
                prompt.removeSubrange(100..<100 + 20 + random.next(below: 80))
            }
            prompt += Self.tokens(25, random.next(below: 10_000))
            let handle = try bench.submit("") {
                $0.prompt = Prompt(pieces: [.tokens(prompt)], addsBeginning: false)
                $0.parameters.maximumTokens = 6
                $0.parameters.ignoresEndOfGeneration = true
                $0.parameters.cache.shiftLength = allows ? 32 : 0
                $0.parameters.cache.isExplained = true
                $0.tenant.cacheScope = UInt64(chat % 2)
                $0.reasoning = nil
            }
            for _ in 0..<random.next(below: 12) {
                _ = bench.loop.runStep()
                CacheIsolationTests.check(bench.loop.core)
                // A further step would sleep.
                if bench.loop.core.scheduler.isIdle { break }
            }
            bench.run(handle)
            let completion = bench.completion(handle)
            #expect(completion.error == nil && completion.tokens.count == 6)
            movedCount += completion.summary?.cacheReport?.shift?.tokens ?? 0
            prompts[chat] = Array((prompt + completion.tokens).suffix(700))
            if !allows { exact.append((prompt, handle)) }
        }
        #expect(movedCount > 0)
        // A separate KV cache is batch-invariant, so the texts are equal to the token.
        guard !isUnified else { return }
        let fresh = try ControlBench(sequences: 1, context: 1_024, kvStateCacheByteCount: 0)
        for run in exact.suffix(6) {
            let again = try Self.run(fresh, run.prompt) { $0.parameters.reusesPrompt = false }
            #expect(again.tokens.prefix(6) == bench.completion(run.handle).tokens[...])
        }
    }
}
