import Llama
import MartletProtocol
import Testing

@testable import MartletEngine

/// Paused generations give up their slot or their KV cache, and continue with the same output.
@Suite struct SwappingTests {
    /// The demo model, and random models with other kinds of KV cache if the set-up could make them.
    static let models =
        [TestModels.fledgling]
        + ["micro", "micro-swa", "micro-hybrid", "micro-mamba"].map(TestModels.random).filter(TestModels.exists)

    /// The resource that other generations need from a paused one.
    enum Room: CaseIterable {
        /// Other generations need its slot.
        case sequences
        /// Other generations need its cells of the unified KV cache.
        case cells
    }

    private func bench(_ model: String, _ room: Room, stateCache: Int = .max) throws -> ControlBench {
        switch room {
        case .sequences: try ControlBench(model: model, sequences: 2, context: 512, kvStateCacheByteCount: stateCache)
        case .cells:
            try ControlBench(
                model: model, sequences: 4, context: 512, usesUnifiedKV: true, kvStateCacheByteCount: stateCache)
        }
    }

    /// Submits a sampled completion of exactly 60 tokens.
    ///
    /// - Parameter retention: with `.none` a later run gets the same cells, and so the same rounding.
    private func submit(
        _ bench: ControlBench, salt: Int, prompt count: Int = 150, retention: CacheParameters.Retention = .normal
    ) throws -> GenerationHandle {
        try bench.submit("") {
            $0.parameters.cache.retention = retention
            $0.prompt = Prompt(pieces: [.tokens(KVCacheKindTests.tokens(count, salt))], addsBeginning: false)
            $0.sampleAtRandom(seed: 7)
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = 60
            $0.reasoning = nil
        }
    }

    private func report(_ handle: GenerationHandle, _ bench: ControlBench) throws -> GenerationReport {
        guard case .status(let report) = bench.send(.status, handle) else { throw NoStatus() }
        return report
    }
    private struct NoStatus: Error {}

    /// Lets other generations use all of the resource.
    private func fill(_ bench: ControlBench, _ room: Room) throws {
        let others = try (1...3).map { try submit(bench, salt: $0, prompt: room == .cells ? 350 : 150) }
        for other in others {
            bench.run(other)
            #expect(bench.completion(other).tokens.count == 60)
        }
    }

    @Test(arguments: models, Room.allCases) func aSwappedOutStateIsNotComputedAgain(model: String, room: Room) throws {
        let bench = try bench(model, room)
        let whole = try submit(bench, salt: 0, retention: .none)
        bench.run(whole)
        let paused = try submit(bench, salt: 0)
        bench.run(paused, to: 25)
        let cached = try report(paused, bench).kvCacheTokens
        bench.send(.pause, paused)
        try fill(bench, room)
        let swappedOut = try report(paused, bench)
        #expect(swappedOut.kvCacheTokens == 0)
        #expect(swappedOut.swappedOutTokens >= cached)
        #expect(bench.loop.core.kvCache.savedStates.byteCount > 0)
        let before = bench.board.copy.counters
        let count = bench.completion(paused).tokens.count
        #expect(bench.send(.resume, paused) == .applied(.resumed, token: count))
        bench.run(paused)
        let after = bench.board.copy.counters
        #expect(bench.completion(paused).tokens == bench.completion(whole).tokens)
        #expect(bench.completion(paused).starts == 1)
        #expect(after.promptTokens == before.promptTokens)
        #expect(after.decodes == before.decodes + UInt64(60 - count))
        #expect(bench.loop.core.kvCache.savedStates.byteCount == 0)
    }

    @Test(arguments: models, Room.allCases) func aStateThatDoesNotFitIsComputedAgain(model: String, room: Room) throws {
        let bench = try bench(model, room, stateCache: 1_000)
        let whole = try submit(bench, salt: 0, retention: .none)
        bench.run(whole)
        let paused = try submit(bench, salt: 0)
        bench.run(paused, to: 25)
        bench.send(.pause, paused)
        try fill(bench, room)
        #expect(try report(paused, bench).swappedOutTokens == 0)
        let before = bench.board.copy.counters
        bench.send(.resume, paused)
        bench.run(paused)
        #expect(bench.board.copy.counters.promptTokens > before.promptTokens)
        let (tokens, wanted) = (bench.completion(paused).tokens, bench.completion(whole).tokens)
        #expect(tokens.count == 60)
        // Sliding windows and hybrid layers round differently when several tokens are computed at the same time.
        let count = ["swa", "hybrid"].contains { model.contains($0) } ? 25 : 60
        #expect(tokens.prefix(count) == wanted.prefix(count))
    }

    @Test(arguments: models) func aPausedGenerationReleasesTheSlotThatARequestNames(model: String) throws {
        let bench = try bench(model, .sequences)
        func submit(salt: Int, slot: Int?) throws -> GenerationHandle {
            try bench.submit("") {
                $0.prompt = Prompt(pieces: [.tokens(KVCacheKindTests.tokens(40, salt))], addsBeginning: false)
                $0.parameters.ignoresEndOfGeneration = true
                $0.parameters.maximumTokens = 30
                $0.reasoning = nil
                $0.parameters.slot = slot
            }
        }
        let whole = try submit(salt: 0, slot: 1)
        bench.run(whole)
        let paused = try submit(salt: 0, slot: 1)
        bench.run(paused, to: 10)
        bench.send(.pause, paused)
        // The other slot is idle, but not the requested one.
        let other = try submit(salt: 1, slot: 1)
        bench.run(other)
        #expect(bench.completion(other).tokens.count == 30)
        #expect(bench.completion(other).summary?.slot == 1)
        #expect(!bench.completion(paused).isEnded)
        bench.send(.resume, paused)
        bench.run(paused)
        #expect(bench.completion(paused).tokens == bench.completion(whole).tokens)
    }

    @Test func aRequestForABusySlotUsesNoOther() throws {
        let bench = try bench(TestModels.fledgling, .sequences)
        func submit(slot: Int) throws -> GenerationHandle {
            try bench.submit("Hello") {
                $0.parameters.slot = slot
                $0.parameters.ignoresEndOfGeneration = true
                $0.parameters.maximumTokens = 60
            }
        }
        let (paused, busy) = (try submit(slot: 0), try submit(slot: 1))
        bench.run(busy, to: 5)
        bench.send(.pause, paused)
        let waiting = try submit(slot: 1)
        for _ in 0..<5 { _ = bench.loop.runStep() }
        #expect(try report(paused, bench).kvCacheTokens > 0, "nobody needs the paused completion's sequence")
        bench.run(waiting)
        #expect(bench.completion(waiting).summary?.slot == 1)
    }

    @Test func aForkReusesTheSlotsOfPausedGenerations() throws {
        let bench = try bench(TestModels.fledgling, .sequences)
        let paused = try submit(bench, salt: 0)
        bench.run(paused, to: 10)
        bench.send(.pause, paused)
        let original = try submit(bench, salt: 1)
        bench.run(original, to: 10)
        let fork = bench.newHandle()
        bench.send(.fork([ForkedGeneration(handle: fork, changes: .seed(3))]), original)
        bench.run(fork)
        #expect(bench.completion(fork).tokens.count == 60)
        bench.send(.resume, paused)
        bench.run(paused)
        #expect(bench.completion(paused).tokens.count == 60)
    }

    @Test func siblingsDoNotWaitForThePrefillOfAPausedChoice() throws {
        let bench = try ControlBench(sequences: 2, context: 2_048)
        func submit(_ parent: GenerationHandle?) throws -> GenerationHandle {
            try bench.submit("") {
                // More tokens than one decode can have.
                $0.prompt = Prompt(pieces: [.tokens(KVCacheKindTests.tokens(1_400, 0))], addsBeginning: false)
                $0.parameters.ignoresEndOfGeneration = true
                $0.parameters.maximumTokens = 20
                $0.reasoning = nil
                $0.sharedPrefillParent = parent
            }
        }
        let parent = try submit(nil)
        let sibling = try submit(parent)
        _ = bench.loop.runStep()
        #expect(bench.completion(parent).starts == 1 && bench.completion(parent).tokens.isEmpty)
        bench.send(.pause, parent)
        bench.run(sibling)
        #expect(bench.completion(sibling).tokens.count == 20)
        #expect(bench.completion(parent).tokens.isEmpty)
    }

    @Test func aGenerationThatEndsWhileSwappedOutLeavesNoState() throws {
        let bench = try bench(TestModels.fledgling, .sequences)
        let paused = try submit(bench, salt: 0)
        bench.run(paused, to: 10)
        bench.send(.pause, paused)
        try fill(bench, .sequences)
        #expect(bench.loop.core.kvCache.savedStates.byteCount > 0)
        bench.send(.stop(reason: nil), paused)
        #expect(bench.completion(paused).isEnded)
        #expect(bench.loop.core.kvCache.savedStates.byteCount == 0)
    }

    private func handle(_ number: UInt64) -> GenerationHandle { GenerationHandle(rawValue: number) }

    private func state(_ count: Int) -> KVStateCache.State {
        .init(bytes: Array(repeating: 0, count: count), tokenCount: count)
    }

    @Test func aSavedStateCountsUpToTheShortestCut() {
        var stateCache = KVStateCache(limit: 100)
        stateCache.insert(state(30), for: handle(1))
        for (cut, count) in [(40, 30), (20, 20), (25, 20), (0, 0), (10, 0)] {
            stateCache.cut(handle(1), to: cut)
            #expect(stateCache.tokenCount(of: handle(1)) == count, "\(cut)")
        }
        #expect(stateCache.byteCount == 0)
    }

    @Test func theOldestStateIsEvictedFirst() {
        var stateCache = KVStateCache(limit: 100)
        for number in 1...3 as ClosedRange<UInt64> {
            let fits = stateCache.makeRoom(for: 30)
            #expect(fits)
            stateCache.insert(state(30), for: handle(number))
        }
        let tooMuch = stateCache.makeRoom(for: 101)
        #expect(!tooMuch && stateCache.byteCount == 90)
        let much = stateCache.makeRoom(for: 50)
        #expect(much && stateCache.byteCount == 30)
        #expect([1, 2, 3].map { stateCache.tokenCount(of: handle($0)) } == [0, 0, 30])
        stateCache.insert(state(50), for: handle(3))
        #expect(stateCache.byteCount == 50)
        let (removed, again) = (stateCache.remove(handle(3)), stateCache.remove(handle(3)))
        #expect(removed?.tokenCount == 50 && again == nil)
        #expect(stateCache.byteCount == 0)
    }
}
