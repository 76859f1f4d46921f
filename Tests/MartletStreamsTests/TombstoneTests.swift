import MartletProtocol
import NIOCore
import Testing

@testable import MartletStreams

/// Ids and end reasons of plain generations that have just ended.
@Suite struct TombstoneTests {
    private static let alice = Owner(rawValue: "alice")
    private static let begin = NIODeadline.uptimeNanoseconds(1_000_000_000)

    private func spec(_ id: String) -> GenerationSpec {
        var spec = GenerationSpec(id: id, owner: Self.alice)
        spec.responseID = "chatcmpl-\(id)"
        return spec
    }

    private func end(
        _ tombstones: Tombstones, _ id: String, name: String? = nil, of owner: Owner = alice,
        after time: TimeAmount = .zero
    ) -> EndReason? {
        tombstones.end(id: id, named: name ?? id, of: owner, at: Self.begin + time)
    }

    @Test func onlyTheOwnerFindsAnEndForAMinute() {
        var tombstones = Tombstones()
        tombstones.add(spec("a"), .finished(.tokenLimit), at: Self.begin)
        #expect(end(tombstones, "a") == .finished(.tokenLimit))
        #expect(end(tombstones, "a", name: "chatcmpl-a") == .finished(.tokenLimit))
        #expect(end(tombstones, "a", name: "cmpl-a") == nil)
        #expect(end(tombstones, "b") == nil)
        #expect(end(tombstones, "a", of: .open) == nil)
        #expect(end(tombstones, "a", after: .milliseconds(59_999)) == .finished(.tokenLimit))
        #expect(end(tombstones, "a", after: .seconds(60)) == nil)
    }

    @Test func theNewestEndReasonsAreRetainedUpToALimit() {
        var tombstones = Tombstones(maximumCount: 3)
        for number in 0..<20 {
            tombstones.add(spec("\(number)"), .failed(.engineLost), at: Self.begin)
            let retained = (0..<20).filter { end(tombstones, "\($0)") != nil }
            #expect(retained == Array(max(0, number - 2)...number))
        }
    }

    @Test func expiredEndsAreRemoved() {
        var tombstones = Tombstones()
        for number in 0..<5 {
            tombstones.add(
                spec("\(number)"), .finished(.endOfGeneration), at: Self.begin + .seconds(Int64(number) * 20))
        }
        // The lookup uses the time of the beginning, so that only removed entries are missing.
        #expect((0..<5).filter { end(tombstones, "\($0)") != nil } == [2, 3, 4])
        tombstones.sweep(at: Self.begin + .seconds(1_000))
        #expect((0..<5).allSatisfy { end(tombstones, "\($0)") == nil })
    }
}
