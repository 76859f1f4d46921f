import Foundation
import MartletProtocol
import MartletStateFiles
import Testing

@testable import MartletEngine

/// Entries of a unified KV cache that are idle for long move to the RAM tier, and their prompts continue from there.
@Suite struct IdleEntryTests {
    static let models = TierModelTests.models

    private static func complete(
        _ history: [Int32], _ bench: ControlBench, tokens: Int = 4,
        _ change: (inout GenerationRequest) -> Void = { _ in }
    ) throws -> EventLog.Completion {
        let handle = try bench.submit("") {
            $0.prompt = Prompt(pieces: [.tokens(history)], addsBeginning: false)
            $0.parameters.ignoresEndOfGeneration = true
            $0.parameters.maximumTokens = tokens
            change(&$0)
        }
        bench.run(handle)
        return bench.completion(handle)
    }

    /// The numbers of items of the entries without a sequence.
    private static func idleCounts(_ bench: ControlBench) -> [Int] {
        bench.loop.core.kvCache.entries.filter { $0.slot == nil && $0.count > 0 }.map(\.count)
    }

    @Test(arguments: models) func anIdlePromptReturnsFromMemory(model: String) throws {
        let bench = try ControlBench(model: model, sequences: 2, context: 2_048, usesUnifiedKV: true, entries: 8)
        var chat = TierModelTests.Chat(salt: 1, count: 200)
        chat.addTurn(try Self.complete(chat.history, bench).tokens)
        // 139 tokens are computed, then 159 more. The entry stays for 256.
        _ = try Self.complete(TierModelTests.Chat(salt: 2, count: 100).history, bench, tokens: 40)
        #expect(Self.idleCounts(bench).contains(203))
        _ = try Self.complete(TierModelTests.Chat(salt: 3, count: 100).history, bench, tokens: 60)
        let isRecurrent = bench.loop.core.kvCache.kind == .recurrent
        #expect(Self.idleCounts(bench).contains(203) == isRecurrent)
        CacheIsolationTests.check(bench.loop.core)

        let second = try Self.complete(chat.history, bench)
        #expect(second.cachedTokens == 203)
        #expect((bench.loop.core.kvCache.tiers.reused.ram > 0) == !isRecurrent)

        let alone = try ControlBench(model: model, sequences: 2, context: 2_048, usesUnifiedKV: true, entries: 8)
        let expected = try Self.complete(chat.history, alone)
        PreemptionTests.expectSameText(expected, second)
    }

    /// New prompts get the cells of idle ones, which move before the prompts are computed.
    @Test func aLongPromptMovesIdleEntriesFirst() throws {
        let bench = try ControlBench(sequences: 2, context: 2_048, usesUnifiedKV: true, entries: 8)
        for salt in 0..<3 {
            _ = try Self.complete(TierModelTests.Chat(salt: salt, count: 60).history, bench)
        }
        #expect(Self.idleCounts(bench).count == 3)
        let history = TierModelTests.Chat(salt: 4, count: 700).history
        let handle = try bench.submit("") { $0.prompt = Prompt(pieces: [.tokens(history)], addsBeginning: false) }
        _ = bench.loop.runStep()
        #expect(Self.idleCounts(bench) == [])
        bench.run(handle)
        #expect(bench.loop.core.kvCache.tiers.ram.count >= 3)
    }

    @Test func anEntryStaysIfTheTierHasNoRoomOrTheKVCacheIsSeparate() throws {
        // The state of 60 tokens of the demo model takes more than 64 KiB.
        for (limit, isUnified) in [(0, true), (64 << 10, true), (Int.max, false)] {
            let bench = try ControlBench(
                sequences: 2, context: 2_048, usesUnifiedKV: isUnified, entries: isUnified ? 8 : 2,
                kvStateCacheByteCount: limit)
            _ = try Self.complete(TierModelTests.Chat(salt: 0, count: 60).history, bench)
            _ = try Self.complete(TierModelTests.Chat(salt: 1, count: 700).history, bench)
            _ = try Self.complete(TierModelTests.Chat(salt: 1, count: 700).history, bench)
            #expect(Self.idleCounts(bench).contains(63), "\(limit)")
        }
    }

    /// The disk tier gets what leaves the KV cache, although the engine was never idle for long.
    @Test func aMovedPromptOutlivesTheEngine() async throws {
        let folder = TierModelTests.Folder()
        func engine() -> RunningEngine {
            RunningEngine {
                $0.kvCacheLayout = .unified
                $0.sequenceCount = 2
                $0.diskCache = DiskCacheSettings(folder: folder.path)
                $0.diskCacheDelay = .seconds(600)
            }
        }
        let first = engine()
        var chat = TierModelTests.Chat(salt: 1, count: 200)
        chat.addTurn(await TierModelTests.complete(chat, first).tokens)
        _ = await TierModelTests.complete(TierModelTests.Chat(salt: 2, count: 700), first)
        _ = await TierModelTests.complete(TierModelTests.Chat(salt: 3, count: 700), first)
        first.engine.shutdown()
        let second = engine()
        defer { second.engine.shutdown() }
        #expect(await TierModelTests.complete(chat, second).cachedTokens == 215)
    }

    /// Completes two prompts in the slots 0 and 1, then two long ones in slot 1.
    ///
    /// - Returns: whether the entries of the two prompts are still in the KV cache.
    private static func staying(_ bench: ControlBench) throws -> [Bool] {
        for (salt, count, slot) in [(0, 60, 0), (1, 70, 1), (2, 700, 1), (3, 600, 1)] {
            _ = try complete(TierModelTests.Chat(salt: salt, count: count).history, bench) {
                $0.parameters.slot = slot
            }
        }
        return [63, 73].map(idleCounts(bench).contains)
    }

    @Test func theEntryOfASlotStaysWhereSlotActionsFindIt() throws {
        func staying(_ permitsSlotActions: Bool) throws -> [Bool] {
            try Self.staying(
                ControlBench(sequences: 2, context: 2_048, usesUnifiedKV: true, entries: 8) {
                    $0.permitsSlotActions = permitsSlotActions
                })
        }
        #expect(try staying(false) == [false, false])
        // Slot 1 shows the last prompt only.
        #expect(try staying(true) == [true, false])
    }

    /// Items of a tier are not moved to other positions.
    @Test func entriesStayForReuseByShifting() throws {
        let bench = try ControlBench(sequences: 2, context: 2_048, usesUnifiedKV: true, entries: 8) {
            $0.shiftLength = 32
        }
        #expect(try Self.staying(bench) == [true, true])
    }

    /// A restart would lose an entry that the disk tier cannot write at present.
    @Test func anEntryWaitsForTheDiskTier() throws {
        let folder = TierModelTests.Folder()
        let bench = try ControlBench(
            sequences: 2, context: 2_048, usesUnifiedKV: true, entries: 8, diskFolder: folder.path)
        try FileManager.default.removeItem(atPath: folder.path)
        var first = TierModelTests.Chat(salt: 0, count: 60)
        first.addTurn(try Self.complete(first.history, bench).tokens)
        _ = try Self.complete(TierModelTests.Chat(salt: 1, count: 700).history, bench)
        // The failure of the write arrives. The RAM tier has the prefix.
        let disk = try #require(bench.loop.core.kvCache.tiers.disk)
        while disk.acceptsWrites { _ = bench.loop.runStep() }
        #expect(Self.idleCounts(bench) == [703])
        _ = try Self.complete(TierModelTests.Chat(salt: 2, count: 600).history, bench)
        #expect(Self.idleCounts(bench).contains(703))
        #expect(try Self.complete(first.history, bench).cachedTokens == 63)
        disk.shutdown()
    }

    /// A copy delays running streams, so a large state waits until no sequence generates.
    @Test func aLargeEntryStaysWhileASequenceGenerates() throws {
        let bench = try ControlBench(sequences: 2, context: 2_048, usesUnifiedKV: true, entries: 8) {
            // A quarter of it is enough for 2,500 bytes.
            $0.maximumStall = .microseconds(10)
        }
        _ = try Self.complete(TierModelTests.Chat(salt: 0, count: 60).history, bench)
        _ = try Self.complete(TierModelTests.Chat(salt: 1, count: 60).history, bench, tokens: 400)
        #expect(Self.idleCounts(bench).contains(63))
        _ = try Self.complete(TierModelTests.Chat(salt: 2, count: 600).history, bench)
        #expect(!Self.idleCounts(bench).contains(63))
    }

    @Test func aPinnedEntryStays() throws {
        let bench = try ControlBench(sequences: 2, context: 2_048, usesUnifiedKV: true, entries: 8)
        _ = try Self.complete(TierModelTests.Chat(salt: 0, count: 60).history, bench) {
            $0.parameters.cache.retention = .pinned
        }
        _ = try Self.complete(TierModelTests.Chat(salt: 1, count: 700).history, bench)
        #expect(Self.idleCounts(bench).contains(63))
    }
}
