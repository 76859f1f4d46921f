import MartletProtocol
import Testing

@testable import MartletEngine

/// A tier finds the longest usable prefix, stays within its limit, and never leaves a scope.
@Suite struct TierIndexTests {
    typealias Index = TierIndex<Int>

    private func entry(
        _ items: [Int32], bytes: Int = 10, scope: UInt64 = 0, checkpoints: [Int] = [], first: Int = 0,
        isPinned: Bool = false
    ) -> Index.Entry {
        Index.Entry(
            key: PrefixKey(scope: scope), items: items, checkpoints: checkpoints,
            firstPosition: first, byteCount: bytes, isPinned: isPinned, payload: 0)
    }

    private func items(_ count: Int, _ salt: Int32 = 0) -> [Int32] { (0..<Int32(count)).map { $0 * 3 + salt } }

    private func length(_ index: Index, _ prompt: [Int32], scope: UInt64 = 0) -> Int? {
        index.lookup(prompt[...], key: PrefixKey(scope: scope))?.length
    }

    @Test func attentionContinuesAnywhere() {
        var index = Index(kind: .attention, limit: 100)
        _ = index.insert(entry(items(50)))
        #expect(length(index, items(30) + [7]) == 30)
        #expect(length(index, items(80)) == 50)
        // The last item is computed for its logits.
        #expect(length(index, items(50)) == 49)
        #expect(length(index, [7, 8]) == nil)
    }

    @Test func recurrentMemoryContinuesAtItsEndOrACheckpoint() {
        var index = Index(kind: .recurrent, limit: 100)
        _ = index.insert(entry(items(50), checkpoints: [10, 40]))
        let key = PrefixKey()
        #expect(
            index.lookup(items(80)[...], key: key) == .init(id: 1, length: 50, stateCount: 50, usesCheckpoint: false))
        #expect(
            index.lookup((items(45) + [7])[...], key: key)
                == .init(id: 1, length: 40, stateCount: 50, usesCheckpoint: true))
        #expect(length(index, items(40)) == 10)
        #expect(length(index, items(9) + [7]) == nil)
    }

    @Test func aSlidingWindowContinuesWhereItsWindowExists() {
        var index = Index(kind: .slidingWindow(8), limit: 100)
        _ = index.insert(entry(items(50), checkpoints: [20], first: 30))
        #expect(length(index, items(45) + [7]) == 45)
        #expect(length(index, items(38) + [7]) == 38)
        // The window of 37 begins at 29, and the cells begin at 30.
        #expect(length(index, items(37) + [7]) == 20)
    }

    @Test func scopesAndAdaptersShareNothing() {
        var index = Index(kind: .attention, limit: 100)
        _ = index.insert(entry(items(50), scope: 1))
        #expect(length(index, items(80), scope: 1) == 50)
        #expect(length(index, items(80), scope: 2) == nil)
        let adapted = PrefixKey(
            scope: 1, adapters: [.init(index: 0, scale: 1)])
        #expect(index.lookup(items(80)[...], key: adapted) == nil)
        // The same items in another scope are a second entry.
        _ = index.insert(entry(items(50), scope: 2))
        #expect(index.count == 2)
    }

    @Test func aLongerPrefixReplacesAShorterOneOnlyWhereItServesTheSamePrompts() {
        var attention = Index(kind: .attention, limit: 100)
        _ = attention.insert(entry(items(50)))
        _ = attention.insert(entry(items(80)))
        #expect(attention.count == 1)
        if case .present = attention.insert(entry(items(60))) {} else { Issue.record("60 items are served by 80") }
        var recurrent = Index(kind: .recurrent, limit: 100)
        _ = recurrent.insert(entry(items(50)))
        _ = recurrent.insert(entry(items(80), checkpoints: [20]))
        #expect(recurrent.count == 2)
        // A checkpoint at the end of the shorter prefix, or behind the delimiters of the next message, makes it useless.
        _ = recurrent.insert(entry(items(200), checkpoints: [52, 80]))
        #expect(recurrent.count == 1)
        #expect(length(recurrent, items(60)) == 52)
    }

    @Test func normalEntriesDoNotEvictPinnedOnes() {
        var index = Index(kind: .attention, limit: 30)
        _ = index.insert(entry(items(10, 1), isPinned: true))
        for salt in 2..<10 { _ = index.insert(entry(items(10, Int32(salt)))) }
        #expect(length(index, items(11, 1)) == 10)
        #expect(index.count == 3)
        if case .rejected = index.insert(entry(items(10, 20), bytes: 21)) {} else { Issue.record("21 + 10 > 30") }
        // Pinned entries evict normal ones first, then the oldest pinned one.
        _ = index.insert(entry(items(10, 30), bytes: 25, isPinned: true))
        #expect(index.count == 1)
        #expect(length(index, items(11, 30)) == 10)
    }

    @Test func anEntryBeyondTheLimitChangesNothing() {
        var index = Index(kind: .attention, limit: 30)
        _ = index.insert(entry(items(10, 1)))
        if case .rejected = index.insert(entry(items(10, 2), bytes: 31)) {} else { Issue.record("31 > 30") }
        #expect(index.count == 1)
        var off = Index(kind: .attention, limit: 0)
        if case .rejected = off.insert(entry(items(10, 1))) {} else { Issue.record("the tier is off") }
    }

    // MARK: Against a naive model

    /// Keeps every entry in a list in the order of use, and decides by comparing each pair.
    private struct Model {
        let kind: MemoryKind
        let limit: Int
        var list: [(items: [Int32], scope: UInt64, checkpoints: [Int], bytes: Int, isPinned: Bool)] = []

        func usable(_ items: [Int32], _ checkpoints: [Int], for prompt: [Int32]) -> Int {
            guard prompt.count > 1 else { return 0 }
            var best = 0
            for length in 1...(prompt.count - 1) where length <= items.count {
                guard Array(items[..<length]) == Array(prompt[..<length]) else { break }
                if kind == .attention || length == items.count || checkpoints.contains(length) { best = length }
            }
            return best
        }

        func serves(_ long: (items: [Int32], checkpoints: [Int]), _ short: [Int32]) -> Bool {
            guard long.items.count >= short.count, Array(long.items[..<short.count]) == short else { return false }
            if kind == .attention || long.items.count == short.count { return true }
            return long.checkpoints.contains {
                $0 >= short.count - short.count * 3 / 100 && $0 <= short.count + CheckpointPolicy.endSpan
            }
        }

        func lookup(_ prompt: [Int32], _ scope: UInt64) -> Int? {
            let best = list.filter { $0.scope == scope }.map { usable($0.items, $0.checkpoints, for: prompt) }.max()
            return best.flatMap { $0 > 0 ? $0 : nil }
        }

        mutating func insert(_ items: [Int32], _ scope: UInt64, _ checkpoints: [Int], _ bytes: Int, _ isPinned: Bool) {
            if let index = list.firstIndex(where: {
                $0.scope == scope && ($0.isPinned || !isPinned) && serves(($0.items, $0.checkpoints), items)
            }) {
                list.append(list.remove(at: index))
                return
            }
            guard bytes <= limit else { return }
            var next = list.filter {
                !($0.scope == scope && (isPinned || !$0.isPinned) && serves((items, checkpoints), $0.items))
            }
            while next.reduce(0, { $0 + $1.bytes }) + bytes > limit {
                if let index = next.firstIndex(where: { !$0.isPinned }) {
                    next.remove(at: index)
                } else if isPinned, !next.isEmpty {
                    next.removeFirst()
                } else {
                    return
                }
            }
            list = next + [(items, scope, checkpoints, bytes, isPinned)]
        }
    }

    @Test(arguments: [MemoryKind.attention, .recurrent], 0..<20)
    func theIndexBehavesLikeANaiveModel(kind: MemoryKind, seed: Int) {
        var random = SplitMixGenerator(seed: UInt64(seed))
        var index = Index(kind: kind, limit: 60)
        var model = Model(kind: kind, limit: 60)
        for step in 0..<300 {
            // Few different items, so that many prefixes are shared.
            let items = (0..<Int.random(in: 1...40, using: &random)).map { position in
                position < 12 ? Int32(position % 3) : Int32.random(in: 0...1, using: &random)
            }
            let scope = UInt64.random(in: 0...2, using: &random)
            if Bool.random(using: &random) {
                let found = index.lookup(items[...], key: PrefixKey(scope: scope))
                #expect(found?.length == model.lookup(items, scope), "step \(step)")
            } else {
                let checkpoints = (1...items.count).filter { _ in Int.random(in: 0..<4, using: &random) == 0 }
                let bytes = Int.random(in: 1...25, using: &random)
                let isPinned = Int.random(in: 0..<8, using: &random) == 0
                let new = entry(items, bytes: bytes, scope: scope, checkpoints: checkpoints, isPinned: isPinned)
                // With several entries that serve the same prompts, the index may touch another one than the model.
                let serving = model.list.filter {
                    $0.scope == scope && ($0.isPinned || !isPinned)
                        && model.serves(($0.items, $0.checkpoints), items)
                }
                guard serving.count < 2 else { continue }
                _ = index.insert(new)
                model.insert(items, scope, checkpoints, bytes, isPinned)
                #expect(index.count == model.list.count, "step \(step)")
                #expect(index.byteCount == model.list.reduce(0) { $0 + $1.bytes }, "step \(step)")
                #expect(index.byteCount <= 60)
            }
        }
    }

    /// An index by beginnings finds the same prefixes as one without, if they are long enough.
    @Test(arguments: 0..<10) func beginningsHideShortPrefixesOnly(seed: Int) {
        var random = SplitMixGenerator(seed: UInt64(seed))
        var index = Index(kind: .attention, limit: 400)
        var headed = Index(kind: .attention, limit: 400, headCount: 8)
        for _ in 0..<400 {
            let items = (0..<Int.random(in: 8...30, using: &random)).map { position in
                position < 6 ? Int32(position) : Int32.random(in: 0...1, using: &random)
            }
            let found = index.lookup(items[...], key: PrefixKey())
            let length = found.map(\.length) ?? 0
            let headedLength = headed.lookup(items[...], key: PrefixKey())?.length ?? 0
            #expect(length < 8 ? headedLength <= length : headedLength == length)
            let bytes = Int.random(in: 1...25, using: &random)
            _ = index.insert(entry(items, bytes: bytes))
            _ = headed.insert(entry(items, bytes: bytes))
            #expect(headed.byteCount == index.byteCount && headed.count == index.count)
        }
    }
}

/// A small generator whose sequence depends on the seed only (SplitMix64).
struct SplitMixGenerator: RandomNumberGenerator {
    private var state: UInt64

    init(seed: UInt64) { state = seed }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var value = state
        value = (value ^ value >> 30) &* 0xBF58_476D_1CE4_E5B9
        value = (value ^ value >> 27) &* 0x94D0_49BB_1331_11EB
        return value ^ value >> 31
    }
}
