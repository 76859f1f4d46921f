import MartletProtocol
import Testing

@testable import MartletEngine

/// Cache reports, pinned prefixes and places in the queue, with the demo model.
@Suite(.timeLimit(.minutes(15))) struct CacheReportTests {
    private static func prompt(_ text: String) -> Prompt {
        Prompt(pieces: [.text(text, isTrusted: false)], addsBeginning: true)
    }

    private static let beginning = "Remember the stones: " + (1...40).map { "stone \($0)" }.joined(separator: ", ")

    private static func explained(_ request: inout GenerationRequest) {
        request.parameters.cache.isExplained = true
        request.parameters.maximumTokens = 2
    }

    @Test func reportNamesTheFirstDifference() async throws {
        let running = RunningEngine()
        let first = await running.completion(Self.prompt(Self.beginning + ". It is Wednesday."), Self.explained)
        let second = await running.completion(Self.prompt(Self.beginning + ". It is Thursday."), Self.explained)
        let third = await running.completion(Self.prompt(Self.beginning + ". It is Thursday.")) {
            Self.explained(&$0)
            $0.parameters.reusesPrompt = false
        }
        let plain = await running.completion(Self.prompt(Self.beginning)) { $0.parameters.maximumTokens = 1 }
        running.engine.shutdown()
        #expect(first.summary?.cacheReport?.reason == .empty)
        #expect(first.summary?.cacheReport?.matchedTokens == 0 && first.summary?.cacheReport?.tier == nil)
        let report = try #require(second.summary?.cacheReport)
        #expect(report.reason == .differs && report.tier == .kvCache)
        let difference = try #require(report.difference)
        #expect(difference.index == report.matchedTokens)
        #expect(second.cachedTokens > 0 && second.cachedTokens <= report.matchedTokens)
        #expect(difference.promptText != difference.cachedText)
        #expect("Thursday.".contains(difference.promptText.suffix(5)))
        #expect(third.summary?.cacheReport?.reason == .notRead && third.cachedTokens == 0)
        #expect(plain.summary?.cacheReport == nil)
    }

    @Test func reportOfAnotherScopeShowsNothing() async throws {
        let running = RunningEngine()
        for scope in [7, 8, 7] as [UInt64] {
            let completion = await running.completion(Self.prompt(Self.beginning)) {
                Self.explained(&$0)
                $0.tenant.cacheScope = scope
            }
            let report = try #require(completion.summary?.cacheReport)
            if completion.cachedTokens == 0 {
                #expect(report.reason == .empty && report.matchedTokens == 0 && report.difference == nil)
            } else {
                #expect(report.reason != .empty)
            }
        }
        running.engine.shutdown()
    }

    @Test func pinnedPrefixIsCountedUntilItIsUnpinned() async throws {
        let running = RunningEngine()
        let id = PinnedPrefixID(rawValue: 9)
        let pinned = await running.completion(Self.prompt(Self.beginning)) {
            $0.parameters.maximumTokens = 0
            $0.parameters.cache.retention = .pinned
            $0.parameters.cache.prefix = id
        }
        let status = try await running.engine.status().cache.prefixes
        #expect(status.map(\.id) == [id])
        #expect(status.first?.tokens == pinned.promptTokens && status.first?.hits == 0)
        #expect(status.first?.idleTime == nil && status.first?.tier == .kvCache)
        let user = await running.completion(Self.prompt(Self.beginning + ". And then?"), Self.explained)
        #expect(user.cachedTokens > 0)
        #expect(user.summary?.cacheReport?.prefix == id)
        let used = try await running.engine.status().cache.prefixes.first
        #expect(used?.hits == 1 && used?.idleTime != nil)
        running.engine.unpin(id)
        _ = await running.completion(Self.prompt("Something else")) { $0.parameters.maximumTokens = 1 }
        #expect(try await running.engine.status().cache.prefixes.isEmpty)
        running.engine.shutdown()
    }

    @Test func waitingGenerationsReportTheirPlaces() async {
        let running = RunningEngine {
            $0.contextLength = RunningEngine.endless
            $0.sequenceCount = 1
        }
        let endless = running.submitEndless()
        await running.log.tokens(1, of: endless)
        let waiting = (0..<3).map { _ in
            running.submit(Self.prompt("Hi")) {
                $0.parameters.maximumTokens = 1
                $0.parameters.reportsProgress = true
            }
        }
        let urgent = running.submit(Self.prompt("Hi")) {
            $0.parameters.maximumTokens = 1
            $0.parameters.priority = 5
        }
        // All of them wait in the queue before a slot is free.
        for handle in waiting + [urgent] {
            while running.log.events(of: handle).isEmpty { await Task.yield() }
        }
        running.engine.cancel(endless)
        var places: [[Int]] = []
        for handle in waiting {
            places.append(await running.log.completion(handle).progress.compactMap(\.queuePosition))
        }
        _ = await running.log.completion(urgent)
        running.engine.shutdown()
        for list in places { #expect(list.allSatisfy { (0...4).contains($0) }) }
        #expect(places.contains { !$0.isEmpty })
        // The request with the higher priority came first, the others in order.
        for (index, handle) in waiting.enumerated() {
            #expect(running.log.tokenCount(of: handle, atEndOf: urgent) ?? 0 == 0)
            if index > 0 { #expect(running.log.tokenCount(of: handle, atEndOf: waiting[index - 1]) ?? 0 == 0) }
        }
    }
}
