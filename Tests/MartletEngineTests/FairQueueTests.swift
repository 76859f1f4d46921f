import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletEngine

/// The order of waiting requests, with a manual clock.
@Suite struct FairQueueTests {
    private typealias Queue = FairQueue<UInt64>

    private static func time(_ seconds: Double) -> MonotonicTime {
        MonotonicTime(nanoseconds: Int64(seconds * 1_000_000_000))
    }

    /// Admits the next request and returns its id.
    private static func admit(_ queue: inout Queue, at seconds: Double) -> UInt64? {
        queue.next(at: time(seconds)).map { queue.admit(at: $0, now: time(seconds)) }
    }

    @Test func requestsOfOneOwnerKeepTheirOrder() {
        var queue = Queue()
        for id in 1...5 as ClosedRange<UInt64> { queue.append(id, id: id, arrival: Self.time(Double(id))) }
        #expect((1...5).compactMap { _ in Self.admit(&queue, at: 9) } == [1, 2, 3, 4, 5])
        #expect(queue.isEmpty && queue.next(at: Self.time(9)) == nil)
    }

    @Test func oneOwnerWithManyRequestsDelaysAnotherByOne() {
        var queue = Queue()
        for id in 1...1_000 as ClosedRange<UInt64> { queue.append(id, id: id, owner: 1, arrival: Self.time(0)) }
        for second in 1...10 { _ = Self.admit(&queue, at: Double(second)) }
        queue.append(5_000, id: 5_000, owner: 2, arrival: Self.time(11))
        let next = (0..<2).compactMap { _ in Self.admit(&queue, at: 12) }
        #expect(next.contains(5_000))
    }

    @Test func ownersShareTheWorkAndNotTheNumberOfRequests() {
        var queue = Queue()
        for id in 1...400 as ClosedRange<UInt64> {
            queue.append(id, id: id, owner: 1, work: 1_000, arrival: Self.time(0))
            queue.append(id + 1_000, id: id + 1_000, owner: 2, work: 100, arrival: Self.time(0))
        }
        var work: [Int: Int] = [:]
        for _ in 0..<220 {
            guard let id = Self.admit(&queue, at: 1) else { break }
            work[id > 1_000 ? 2 : 1, default: 0] += id > 1_000 ? 100 : 1_000
        }
        let (large, small) = (work[1] ?? 0, work[2] ?? 0)
        #expect(abs(large - small) <= 1_000, "\(large) and \(small)")
    }

    @Test func generatedTokensCountAsWork() {
        var queue = Queue()
        for id in 1...10 as ClosedRange<UInt64> {
            queue.append(id, id: id, owner: 1, work: 100, arrival: Self.time(0))
            queue.append(id + 100, id: id + 100, owner: 2, work: 100, arrival: Self.time(0))
        }
        queue.charge(owner: 1, work: 350)
        // Owner 2 catches up first.
        let first = (0..<4).compactMap { _ in Self.admit(&queue, at: 1) }
        #expect(first.filter { $0 > 100 }.count >= 3)
    }

    @Test func ownerThatWasAwayHasNoCredit() {
        var queue = Queue()
        queue.append(1, id: 1, owner: 1, arrival: Self.time(0))
        _ = Self.admit(&queue, at: 0)
        for id in 10...200 as ClosedRange<UInt64> { queue.append(id, id: id, owner: 2, arrival: Self.time(1)) }
        for _ in 0..<100 { _ = Self.admit(&queue, at: 2) }
        for id in 1_000...1_100 as ClosedRange<UInt64> { queue.append(id, id: id, owner: 1, arrival: Self.time(3)) }
        // Both owners get the same from now on.
        let next = (0..<40).compactMap { _ in Self.admit(&queue, at: 4) }
        let share = next.count { $0 >= 1_000 }
        #expect((18...22).contains(share), "\(share)")
    }

    @Test func higherPriorityComesFirst() {
        var queue = Queue()
        queue.append(1, id: 1, priority: -3, arrival: Self.time(0))
        queue.append(2, id: 2, priority: 0, arrival: Self.time(0.1))
        queue.append(3, id: 3, priority: 7, arrival: Self.time(0.2))
        #expect((0..<3).compactMap { _ in Self.admit(&queue, at: 1) } == [3, 2, 1])
        // The same between owners.
        queue.append(4, id: 4, owner: 4, priority: -3, arrival: Self.time(2))
        queue.append(5, id: 5, owner: 5, priority: 2, arrival: Self.time(2))
        #expect((0..<2).compactMap { _ in Self.admit(&queue, at: 2) } == [5, 4])
    }

    @Test func prioritiesOutsideTheRangeAreClamped() {
        var queue = Queue()
        queue.append(1, id: 1, priority: 10, arrival: Self.time(0))
        queue.append(2, id: 2, priority: Int.max, arrival: Self.time(1))
        #expect(Self.admit(&queue, at: 2) == 1)
    }

    /// The bound that the type states, for random arrivals of one owner.
    @Test(arguments: 1...20 as ClosedRange<UInt64>) func requestWaitsOnlyForRequestsWithinItsBound(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = Queue()
        var requests: [UInt64: (arrival: Double, priority: Int)] = [:]
        for id in 1...200 as ClosedRange<UInt64> {
            let request = (Double.random(in: 0...200, using: &random), Int.random(in: -10...10, using: &random))
            requests[id] = request
            queue.append(id, id: id, priority: request.1, arrival: Self.time(request.0))
        }
        let order = queue.order(at: Self.time(300))
        #expect(order.count == 200)
        for (place, id) in order.enumerated() {
            guard let request = requests[id] else { continue }
            for earlier in order[..<place].compactMap({ requests[$0] }) {
                let bound = Double(earlier.priority - request.priority) * 5
                #expect(earlier.arrival <= request.arrival + bound + 0.001)
            }
        }
    }

    /// A request of the lowest priority among an endless stream of new owners with the highest one.
    @Test(arguments: [1, 5, 40]) func nothingStarves(ownersAtOnce: Int) {
        var queue = Queue()
        var random = SeededGenerator(seed: UInt64(ownersAtOnce))
        var (id, owner) = (100, 1_000) as (UInt64, UInt64)
        // The victim's owner has just received a large request.
        queue.append(1, id: 1, owner: 1, work: 8_000, arrival: Self.time(0))
        _ = Self.admit(&queue, at: 0)
        queue.append(2, id: 2, owner: 1, priority: -10, work: 64, arrival: Self.time(0))
        var admissionsInTopClass = 0
        var second = 0.0
        while queue.find(id: 2) != nil {
            while queue.count < ownersAtOnce + 1 {
                (id, owner) = (id + 1, owner + 1)
                queue.append(
                    id, id: id, owner: owner, priority: 10, work: Int.random(in: 64...512, using: &random),
                    arrival: Self.time(second))
            }
            _ = Self.admit(&queue, at: second)
            second += 0.5
            if second >= 100 { admissionsInTopClass += 1 }
            #expect(second < 2_000)
            if second >= 2_000 { break }
        }
        let bound = (ownersAtOnce + 1) * (8_000 / 64 + 1)
        #expect(admissionsInTopClass <= bound, "\(admissionsInTopClass) of \(bound)")
    }

    @Test func requestThatWaitsForItsSlotDelaysNoOther() {
        var queue = Queue()
        queue.append(1, id: 1, owner: 1, priority: 10, arrival: Self.time(0))
        queue.append(2, id: 2, owner: 1, arrival: Self.time(1))
        queue.append(3, id: 3, owner: 2, arrival: Self.time(2))
        #expect(queue.next(at: Self.time(3)) { $0 != 1 }.map { queue[$0] } == 2)
        #expect(queue.next(at: Self.time(3)) { $0 > 2 }.map { queue[$0] } == 3)
        #expect(queue.next(at: Self.time(3)) { _ in false } == nil)
    }

    @Test func preemptedSequencesComeFirstTheOldestFirst() {
        var queue = Queue()
        queue.append(1, id: 1, priority: 10, arrival: Self.time(0))
        queue.prepend(2, id: 2, arrival: Self.time(5))
        queue.prepend(3, id: 3, arrival: Self.time(4))
        #expect(queue.order(at: Self.time(6)) == [3, 2, 1])
        #expect((0..<3).compactMap { _ in Self.admit(&queue, at: 6) } == [3, 2, 1])
    }

    /// Random operations against a set of waiting ids: nothing is lost, nothing comes twice, and `order` tells the truth.
    @Test(arguments: 1...30 as ClosedRange<UInt64>) func queueHoldsWhatWasAddedAndNotRemoved(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var queue = Queue()
        var waiting: Set<UInt64> = []
        var now = 0.0
        for id in 1...300 as ClosedRange<UInt64> {
            now += Double.random(in: 0...3, using: &random)
            let owner = UInt64.random(in: 0...5, using: &random)
            switch Int.random(in: 0..<5, using: &random) {
            case 0, 1, 2:
                queue.append(
                    id, id: id, owner: owner, priority: Int.random(in: -10...10, using: &random),
                    work: Int.random(in: 0...3_000, using: &random), arrival: Self.time(now))
                waiting.insert(id)
            case 3:
                let expected = queue.order(at: Self.time(now)).first
                let next = Self.admit(&queue, at: now)
                #expect(next == expected)
                if let next { #expect(waiting.remove(next) != nil) } else { #expect(waiting.isEmpty) }
            default:
                let victim = waiting.randomElement(using: &random) ?? 9_999
                #expect((queue.remove(id: victim) != nil) == (waiting.remove(victim) != nil))
            }
            #expect(queue.count == waiting.count)
            #expect(Set(queue.order(at: Self.time(now))) == waiting)
        }
        #expect(Set(queue.removeAll()) == waiting)
        #expect(queue.isEmpty)
    }
}
