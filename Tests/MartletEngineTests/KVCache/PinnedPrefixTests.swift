import MartletProtocol
import Testing

@testable import MartletEngine

/// Pinned prefixes that leave the KV cache and return.
@Suite struct PinnedPrefixTests {
    private static let prefix = KVCacheKindTests.tokens(320, 5)
    private static let id = PinnedPrefixID(rawValue: 41)

    private static func run(
        _ bench: ControlBench, _ prompt: [Int32], _ change: (inout GenerationRequest) -> Void = { _ in }
    ) throws -> EventLog.Completion {
        let handle = try bench.submit("") {
            $0.prompt = Prompt(pieces: [.tokens(prompt)], addsBeginning: false)
            $0.parameters.maximumTokens = 2
            $0.parameters.ignoresEndOfGeneration = true
            $0.reasoning = nil
            change(&$0)
        }
        bench.run(handle)
        CacheIsolationTests.check(bench.loop.core)
        return bench.completion(handle)
    }

    private static func pin(_ bench: ControlBench) throws {
        _ = try run(bench, prefix) {
            $0.parameters.maximumTokens = 0
            $0.parameters.cache.retention = .pinned
            $0.parameters.cache.prefix = id
        }
    }

    private static func status(_ bench: ControlBench) -> PinnedPrefixStatus? {
        bench.loop.core.prefixStatuses(at: .now).first { $0.id == id }
    }

    /// Lets sequences run on all entries, so that the pinned one has to go too.
    private static func displace(_ bench: ControlBench) throws {
        let handles = try (0..<2).map { index in
            try bench.submit("") {
                $0.prompt = Prompt(
                    pieces: [.tokens(KVCacheKindTests.tokens(700, 50 + index))], addsBeginning: false)
                $0.parameters.maximumTokens = 4
                $0.parameters.ignoresEndOfGeneration = true
                $0.parameters.cache.retention = .none
                $0.reasoning = nil
            }
        }
        for handle in handles { bench.run(handle) }
    }

    @Test(arguments: [false, true]) func aPrefixThatReturnsFromATierIsPinnedAgain(isUnified: Bool) throws {
        let bench = try ControlBench(
            sequences: 2, context: isUnified ? 1_536 : 1_024, usesUnifiedKV: isUnified, entries: 2)
        try Self.pin(bench)
        #expect(Self.status(bench)?.tier == .kvCache)
        try Self.displace(bench)
        let away = try #require(Self.status(bench))
        #expect(away.tier == .ram && away.tokens == Self.prefix.count)

        let user = try Self.run(bench, Self.prefix + KVCacheKindTests.tokens(30, 8)) {
            $0.parameters.cache.isExplained = true
        }
        #expect(user.cachedTokens >= 320 - 64)
        #expect(user.summary?.cacheReport?.tier == .ram)
        #expect(user.summary?.cacheReport?.prefix == Self.id)
        let back = try #require(Self.status(bench))
        #expect(back.tier == .kvCache && back.hits == 1)
        let pinned = bench.loop.core.kvCache.entries.filter { $0.isPinned && $0.prefix == Self.id }
        #expect(pinned.map(\.count) == [Self.prefix.count])
    }

    @Test func unpinningReachesTheTier() throws {
        let bench = try ControlBench(sequences: 2, context: 1_024)
        try Self.pin(bench)
        try Self.displace(bench)
        #expect(Self.status(bench)?.tier == .ram)
        let tiers = bench.loop.core.kvCache.tiers
        let key = PrefixKey()
        #expect(tiers.ram.entry(serving: Self.prefix[...], key: key, isPinned: true) != nil)
        bench.mailbox.post(.unpin(Self.id))
        _ = try Self.run(bench, KVCacheKindTests.tokens(40, 3))
        #expect(Self.status(bench) == nil)
        #expect(tiers.ram.entry(serving: Self.prefix[...], key: key, isPinned: true) == nil)
        // The items are still cached, as those of any prompt.
        #expect(tiers.ram.entry(serving: Self.prefix[...], key: key, isPinned: false) != nil)
    }

    @Test func aPrefixThatNoTierHoldsHasNoTier() throws {
        let bench = try ControlBench(sequences: 2, context: 1_024, kvStateCacheByteCount: 0)
        try Self.pin(bench)
        try Self.displace(bench)
        let status = try #require(Self.status(bench))
        #expect(status.tier == nil && status.tokens == Self.prefix.count)
    }

    /// A context shift moves cells, so it never moves the cells that a returned prefix shares.
    @Test func aContextShiftLeavesAReturnedPrefixAlone() throws {
        let bench = try ControlBench(sequences: 2, context: 512, usesUnifiedKV: true, entries: 4)
        try Self.pin(bench)
        // The other prompt needs the room of the pinned one.
        _ = try Self.run(bench, KVCacheKindTests.tokens(400, 60)) { $0.parameters.cache.retention = .none }
        #expect(Self.status(bench)?.tier == .ram)
        let user = try Self.run(bench, Self.prefix + KVCacheKindTests.tokens(30, 8)) {
            $0.parameters.maximumTokens = 190
            $0.parameters.contextShift = ContextShift(keep: 10)
        }
        #expect(user.error == nil && user.tokens.count == 190)
        #expect(user.summary?.isTruncated == true)
        let again = try Self.run(bench, Self.prefix + KVCacheKindTests.tokens(20, 9))
        #expect(again.error == nil && again.tokens.count == 2)
    }
}
