import Testing

@testable import MartletEngine

@Suite struct ReusePolicyTests {
    typealias Holder = ReusePolicy.Holder
    typealias Plan = ReusePolicy.Plan

    /// Rules without aligned chunks, so that every count is usable.
    static func rules(_ kind: MemoryKind = .attention, isUnified: Bool = false, isAligned: Bool = false)
        -> ReusePolicy.Rules
    {
        ReusePolicy.Rules(
            kind: kind, isUnified: isUnified,
            shape: BatchShape(microBatchSize: 512, isReproducible: isAligned, usesUnifiedKV: isUnified))
    }

    private func plan(
        _ promptCount: Int, _ lengths: [(Int, [Int])], _ holders: [Holder],
        _ rules: ReusePolicy.Rules = ReusePolicyTests.rules()
    ) -> Plan? {
        ReusePolicy.plan(
            promptCount: promptCount, matches: lengths.map { .init(length: $0.0, entries: EntrySet($0.1)) },
            holders: holders, rules: rules)
    }

    @Test func anEntryThatThePromptContinuesIsContinued() {
        let holders = [Holder(), Holder(count: 300, lastUsed: 1), Holder(count: 100, lastUsed: 9)]
        for isUnified in [false, true] {
            let found = plan(500, [(300, [1]), (100, [1, 2])], holders, Self.rules(isUnified: isUnified))
            #expect(found == Plan(entry: 1, reuse: .own(count: 300)))
        }
    }

    @Test func theLastItemOfAPromptIsAlwaysComputed() {
        #expect(plan(300, [(300, [0])], [Holder(count: 300)]) == Plan(entry: 0, reuse: .own(count: 299)))
    }

    /// A conversation whose system prompt another one shares is not destroyed while there is a free entry.
    @Test func aPartOfAnIdleEntryIsCopied() {
        var holders = [Holder(count: 7_000, lastUsed: 3), Holder()]
        let copy = Plan(entry: 1, reuse: .copy(source: 0, count: 6_000))
        for isUnified in [false, true] {
            #expect(plan(6_100, [(6_000, [0])], holders, Self.rules(isUnified: isUnified)) == copy)
        }
        holders[1] = Holder(count: 50, lastUsed: 1)
        #expect(plan(6_100, [(6_000, [0])], holders, Self.rules(isUnified: true)) == copy)
        #expect(plan(6_100, [(6_000, [0])], holders) == Plan(entry: 0, reuse: .own(count: 6_000)))
        #expect(plan(90_000, [(6_000, [0])], holders) == copy)
        holders.removeLast()
        #expect(
            plan(6_100, [(6_000, [0])], holders, Self.rules(isUnified: true))
                == Plan(entry: 0, reuse: .own(count: 6_000)))
    }

    @Test func aPinnedEntryIsCopiedAndEvictedLast() {
        let holders = [Holder(count: 300, lastUsed: 1, isPinned: true), Holder(count: 10, lastUsed: 9)]
        #expect(
            plan(400, [(300, [0])], holders, Self.rules(isUnified: true))
                == Plan(entry: 1, reuse: .copy(source: 0, count: 300)))
        #expect(plan(400, [], holders) == Plan(entry: 1, reuse: .own(count: 0)))
    }

    @Test func aRunningEntryIsCopiedIfThatIsWorthIt() {
        let holders = [Holder(count: 200, isRunning: true), Holder(), Holder(count: 5, lastUsed: 1)]
        #expect(plan(300, [(150, [0])], holders) == Plan(entry: 1, reuse: .copy(source: 0, count: 150)))
        #expect(plan(300, [(20, [0])], holders) == Plan(entry: 1, reuse: .own(count: 0)))
        #expect(plan(300, [(150, [0])], [holders[0]]) == nil)
    }

    @Test func aPrefixThatIsBeingComputedIsAwaited() {
        var holders = [Holder(count: 100, exactCount: 64, isRunning: true, isPrefilling: true), Holder()]
        let aligned = Self.rules(isAligned: true)
        let wait = Plan(entry: 1, reuse: .wait(source: 0, count: 640))
        #expect(plan(1_000, [(700, [0])], holders, aligned) == wait)
        // A recurrent source stops at the position, so it must not be behind it.
        #expect(plan(1_000, [(700, [0])], holders, Self.rules(.recurrent)) == wait)
        holders[0].count = 720
        holders[0].exactCount = 704
        #expect(
            plan(1_000, [(700, [0])], holders, Self.rules(.recurrent)) == Plan(entry: 1, reuse: .own(count: 0)))
        #expect(plan(1_000, [(700, [0])], holders, aligned) == Plan(entry: 1, reuse: .copy(source: 0, count: 640)))
        holders[0] = Holder(count: 100, exactCount: 64, isRunning: true)
        #expect(plan(1_000, [(700, [0])], holders, aligned) == Plan(entry: 1, reuse: .copy(source: 0, count: 100)))
    }

    @Test func aRecurrentStateIsContinuedAtItsEndOnly() {
        let holders = [Holder(count: 300, lastUsed: 1), Holder(count: 280, lastUsed: 2), Holder()]
        #expect(
            plan(500, [(290, [0, 1])], holders, Self.rules(.recurrent)) == Plan(entry: 1, reuse: .own(count: 280)))
        #expect(plan(500, [(270, [0, 1])], holders, Self.rules(.recurrent)) == Plan(entry: 2, reuse: .own(count: 0)))
    }

    /// Whole chunks of another prompt are exact; behind generated items nothing is, and all of them are reused.
    @Test func exactItemsAreReusedInWholeChunks() {
        let aligned = Self.rules(isAligned: true)
        var holders = [Holder(count: 700, exactCount: 576, isRunning: true), Holder()]
        func count(_ common: Int) -> Int? {
            guard case .copy(_, let count)? = plan(1_000, [(common, [0])], holders, aligned)?.reuse else { return nil }
            return count
        }
        #expect(count(600) == 576)
        #expect(count(650) == 650)
        #expect(count(700) == 700)
        holders[0].exactCount = 640
        #expect(count(650) == 640)
    }

    @Test func aSlidingWindowIsContinuedWhereItsWindowExists() {
        var rules = Self.rules(.slidingWindow(100))
        rules.hasWindow = { entry, _ in entry == 1 }
        let holders = [Holder(count: 300, lastUsed: 1), Holder(count: 280, lastUsed: 0), Holder()]
        #expect(plan(500, [(270, [0, 1])], holders, rules) == Plan(entry: 1, reuse: .own(count: 270)))
    }

    /// A sequence that has waited gets a copy, waits again, or computes the prompt.
    @Test func aSequenceThatHasWaitedIsPlannedAgain() {
        var holders = [
            Holder(count: 640, exactCount: 640, isRunning: true, isPrefilling: true), Holder(isRunning: true),
        ]
        func reuse(_ length: Int) -> ReusePolicy.Reuse {
            ReusePolicy.plan(
                promptCount: 1_000, matches: [.init(length: length, entries: EntrySet([0, 1]))], holders: holders,
                rules: Self.rules(isAligned: true), entry: 1)
        }
        #expect(reuse(700) == .copy(source: 0, count: 640))
        #expect(reuse(900) == .wait(source: 0, count: 896))
        holders[0] = Holder()
        #expect(reuse(900) == .own(count: 0))
    }
}
