import Testing

@testable import MartletGrammar

@Suite struct GrammarCacheTests {
    private struct Refusal: Error {}

    private func entry(_ text: String) throws -> GrammarCache.Entry {
        GrammarCache.Entry(grammar: try GBNFParser.grammar("root ::= \"\(text)\"".utf8), warnings: [text])
    }

    @Test func sameKeyIsMadeOnce() throws {
        let cache = GrammarCache()
        for _ in 0..<3 {
            let made = try cache.grammar(of: [1]) { try entry("a") }
            #expect(try made == entry("a"))
        }
        #expect(cache.madeCount == 1)
        #expect(try cache.grammar(of: [2]) { try entry("b") }?.warnings == ["b"])
        #expect(cache.madeCount == 2)
    }

    @Test func refusalsAreNotCached() throws {
        let cache = GrammarCache()
        #expect(throws: Refusal.self) { try cache.grammar(of: [1]) { throw Refusal() } }
        #expect(cache.grammar(of: [1]) { nil } == nil)
        #expect(cache.madeCount == 0 && cache.byteCount == 0)
        #expect(try cache.grammar(of: [1]) { try entry("a") } != nil)
    }

    @Test func theLeastRecentlyUsedEntryIsEvictedFirst() throws {
        let size = try entry("a").grammar.byteCount + 2
        let cache = GrammarCache(byteLimit: 3 * size)
        func made(_ key: UInt8) throws -> Int {
            let before = cache.madeCount
            _ = try cache.grammar(of: [key]) { try entry("a") }
            #expect(cache.byteCount <= 3 * size)
            return cache.madeCount - before
        }
        #expect(try [1, 2, 3, 1].map(made) == [1, 1, 1, 0])
        // The fourth entry evicts the second.
        #expect(try [4, 1, 3, 4].map(made) == [1, 0, 0, 0])
        #expect(try made(2) == 1)
    }

    @Test func anEntryAboveTheLimitIsNotCached() throws {
        let cache = GrammarCache(byteLimit: 100)
        for _ in 0..<2 { _ = try cache.grammar(of: [1]) { try entry("a") } }
        #expect(cache.madeCount == 2 && cache.byteCount == 0)
    }
}
