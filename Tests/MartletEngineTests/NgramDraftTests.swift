import Testing

@testable import MartletEngine

@Suite struct NgramDraftTests {
    /// The same rules, written as a search through the whole history.
    private static func naiveMatch(_ history: [Int32], keyLength: Int, limit: Int) -> NgramDraft.Match? {
        guard history.count >= keyLength, limit > 0 else { return nil }
        let key = history.suffix(keyLength)
        var ends: [Int] = []
        for end in stride(from: history.count - 1, through: keyLength, by: -1)
        where history[(end - keyLength)..<end] == key { ends.append(end) }
        var best: (end: Int, length: Int)?
        for end in ends.prefix(NgramDraft.candidateLimit) {
            let length = zip(history[..<end].reversed(), history.reversed()).prefix { $0 == $1 }.count
            let counted = min(length, NgramDraft.longestMatch)
            if counted > best?.length ?? 0 { best = (end, counted) }
        }
        guard let best else { return nil }
        var all = history
        var tokens: [Int32] = []
        for offset in 0..<limit {
            let token = all[best.end + offset]
            if token < 0 { break }
            tokens.append(token)
            all.append(token)
        }
        return tokens.isEmpty ? nil : NgramDraft.Match(matchedCount: best.length, tokens: tokens)
    }

    private static func number(_ limit: Int, _ seed: UInt64, _ index: Int) -> Int {
        Int(CounterRNG.uniform(seed: seed, index: index) * Double(limit))
    }

    /// Histories of few distinct tokens repeat often; negative numbers are media items.
    @Test(arguments: [1, 2, 3, 5])
    func matchEqualsASearchThroughTheWholeHistory(keyLength: Int) {
        for round in 0..<60 {
            let seed = UInt64(round * 10 + keyLength)
            let distinct = 1 + Self.number(6, seed, 0)
            var history: [Int32] = []
            var draft = NgramDraft(keyLength: keyLength)
            for step in 1...120 {
                let added = 1 + Self.number(3, seed, step * 10)
                for offset in 0..<added {
                    let token = Int32(Self.number(distinct, seed, step * 10 + offset + 1))
                    history.append(token == 5 ? -1 : token)
                }
                draft.append(history)
                #expect(draft.count == history.count)
                let limit = 1 + Self.number(70, seed, step * 10 + 9)
                let expected = Self.naiveMatch(history, keyLength: keyLength, limit: limit)
                #expect(draft.match(in: history, limit: limit) == expected, "\(history)")
                // A rewind: the history ends earlier, and the index begins again.
                if step % 40 == 0 {
                    history.removeLast(history.count / 3)
                    draft.removeAll()
                }
            }
        }
    }

    @Test func continuationOfTheLongestMatchIsDrafted() {
        let history: [Int32] = [1, 2, 3, 4, 50, 9, 2, 3, 4, 60, 1, 2, 3, 4]
        var draft = NgramDraft(keyLength: 3)
        draft.append(history)
        #expect(draft.match(in: history, limit: 3) == .init(matchedCount: 4, tokens: [50, 9, 2]))
    }

    @Test func periodicTextIsContinuedBeyondTheHistory() {
        let history: [Int32] = [7, 1, 2, 1, 2, 1, 2]
        var draft = NgramDraft(keyLength: 2)
        draft.append(history)
        #expect(draft.match(in: history, limit: 5)?.tokens == [1, 2, 1, 2, 1])
    }

    @Test func newTextHasNoMatch() {
        let history = (0..<1_000).map { Int32($0) }
        var draft = NgramDraft(keyLength: 2)
        draft.append(history)
        #expect(draft.match(in: history, limit: 8) == nil)
        #expect(NgramDraft(keyLength: 2).match(in: [], limit: 8) == nil)
        #expect(draft.match(in: history, limit: 0) == nil)
    }

    /// The history must be the one that the index has followed.
    @Test func shorterHistoryWithoutRemovalHasNoMatch() {
        let history: [Int32] = [1, 2, 1, 2, 1, 2]
        var draft = NgramDraft(keyLength: 1)
        draft.append(history)
        #expect(draft.match(in: Array(history.dropLast()), limit: 2) == nil)
    }
}
