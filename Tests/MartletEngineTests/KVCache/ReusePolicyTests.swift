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
        var source = Holder(count: 64, exactCount: 64, promptCount: 900, isRunning: true, isPrefilling: true)
        func find(_ rules: ReusePolicy.Rules) -> Plan? { plan(1_000, [(700, [0])], [source, Holder()], rules) }
        let aligned = Self.rules(isAligned: true)
        let wait = Plan(entry: 1, reuse: .wait(source: 0, count: 640))
        #expect(find(aligned) == wait)
        // A recurrent source stops at the position, so it must not be behind it.
        #expect(find(Self.rules(.recurrent)) == wait)
        (source.count, source.exactCount) = (720, 704)
        #expect(find(Self.rules(.recurrent)) == Plan(entry: 1, reuse: .own(count: 0)))
        #expect(find(aligned) == Plan(entry: 1, reuse: .copy(source: 0, count: 640)))
        source = Holder(count: 128, exactCount: 128, promptCount: 900, isRunning: true)
        #expect(find(aligned) == Plan(entry: 1, reuse: .copy(source: 0, count: 128)))
    }

    /// The choices of one request have the same prompt: all of it but the last item is shared.
    @Test func equalPromptsAreSharedToTheLastItem() {
        let source = Holder(count: 128, exactCount: 128, promptCount: 700, isRunning: true, isPrefilling: true)
        #expect(
            plan(700, [(700, [0])], [source, Holder()], Self.rules(isAligned: true))
                == Plan(entry: 1, reuse: .wait(source: 0, count: 699)))
    }

    @Test func aRecurrentStateIsContinuedAtItsEndOnly() {
        let holders = [Holder(count: 300, lastUsed: 1), Holder(count: 280, lastUsed: 2), Holder()]
        #expect(
            plan(500, [(290, [0, 1])], holders, Self.rules(.recurrent)) == Plan(entry: 1, reuse: .own(count: 280)))
        #expect(plan(500, [(270, [0, 1])], holders, Self.rules(.recurrent)) == Plan(entry: 2, reuse: .own(count: 0)))
    }

    /// Whole chunks of another prompt are exact; generated items behind them are not, and all of them are reused.
    @Test func exactItemsAreReusedInWholeChunks() {
        var source = Holder(count: 700, exactCount: 576, isRunning: true)
        func count(_ common: Int, promptCount: Int = 1_000) -> Int? {
            let found = plan(
                promptCount, [(common, [0])], [source, Holder()], Self.rules(isAligned: true))
            guard case .copy(_, let count)? = found?.reuse else { return nil }
            return count
        }
        #expect(count(600) == 576)
        #expect(count(639) == 576)
        #expect(count(640) == 640)
        #expect(count(700) == 700)
        // The prompt computes the items behind 576 in narrow decodes, too.
        #expect(count(600, promptCount: 620) == 600)
        source.exactCount = 640
        #expect(count(650) == 640)
        #expect(count(600, promptCount: 620) == 576)
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
            Holder(count: 640, exactCount: 640, promptCount: 990, isRunning: true, isPrefilling: true),
            Holder(isRunning: true),
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
