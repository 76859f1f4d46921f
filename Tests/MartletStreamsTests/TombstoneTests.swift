import MartletProtocol
import NIOCore
import Testing

@testable import MartletStreams

/// Ids and end reasons of plain generations that have just ended.
@Suite struct TombstoneTests {
    private static let alice = Owner(rawValue: "alice")
    private static let begin = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func terms(_ id: String) -> GenerationTerms {
        var terms = GenerationTerms(id: id, owner: Self.alice)
        terms.responseID = "chatcmpl-\(id)"
        return terms
    }

    private func end(
        _ tombstones: Tombstones, _ id: String, name: String? = nil, of owner: Owner = alice,
        after time: TimeAmount = .zero
    ) -> EndReason? {
        tombstones.end(id: id, named: name ?? id, of: owner, at: Self.begin + time)
    }

    @Test func onlyTheOwnerFindsAnEndForAMinute() {
        var tombstones = Tombstones()
        tombstones.add(terms("a"), .finished(.tokenLimit), at: Self.begin)
        #expect(end(tombstones, "a") == .finished(.tokenLimit))
        #expect(end(tombstones, "a", name: "chatcmpl-a") == .finished(.tokenLimit))
        #expect(end(tombstones, "a", name: "cmpl-a") == nil)
        #expect(end(tombstones, "b") == nil)
        #expect(end(tombstones, "a", of: .open) == nil)
        #expect(end(tombstones, "a", after: .milliseconds(59_999)) == .finished(.tokenLimit))
        #expect(end(tombstones, "a", after: .seconds(60)) == nil)
    }

    @Test func theNewestEndsAreKeptUpToALimit() {
        var tombstones = Tombstones(maximumCount: 3)
        for number in 0..<20 {
            tombstones.add(terms("\(number)"), .failed(.engineLost), at: Self.begin)
            let kept = (0..<20).filter { end(tombstones, "\($0)") != nil }
            #expect(kept == Array(max(0, number - 2)...number))
        }
    }

    @Test func expiredEndsAreRemoved() {
        var tombstones = Tombstones()
        for number in 0..<5 {
            tombstones.add(
                terms("\(number)"), .finished(.endOfGeneration), at: Self.begin + .seconds(Int64(number) * 20))
        }
        // Looked up as of the beginning, so that only removed entries are missing.
        #expect((0..<5).filter { end(tombstones, "\($0)") != nil } == [2, 3, 4])
        tombstones.sweep(at: Self.begin + .seconds(1_000))
        #expect((0..<5).allSatisfy { end(tombstones, "\($0)") == nil })
    }
}
