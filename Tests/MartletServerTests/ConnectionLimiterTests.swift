import Testing

@testable import MartletServer

/// The places of connections.
@Suite struct ConnectionLimiterTests {
    private typealias Limiter = ConnectionLimiter<Int>

    /// A limiter whose connections each have a request.
    private func busy(_ count: Int, limit: Int) -> Limiter {
        var limiter = Limiter(limit: limit, extraLimit: 8)
        for id in 0..<count {
            #expect(limiter.open(id) == nil)
            limiter.begin(id)
            #expect(limiter.admit(id, for: .ordinary) == .served)
        }
        return limiter
    }

    @Test func beyondTheLimitOnlyWhatIsEssentialIsServed() {
        var limiter = busy(2, limit: 2)
        #expect(limiter.open(2) == nil && limiter.isExtra(2))
        limiter.begin(2)
        #expect(limiter.admit(2, for: .essential) == .served)
        #expect(limiter.admit(2, for: .ordinary) == .refused)
        #expect(limiter.admit(2, for: .reading) == .refused)
        #expect(limiter.isExtra(2) && !limiter.isExtra(1))
    }

    @Test func aFreeConnectionSlotIsUsed() {
        var limiter = busy(2, limit: 2)
        _ = limiter.open(2)
        limiter.begin(2)
        limiter.close(0)
        #expect(limiter.admit(2, for: .ordinary) == .served && !limiter.isExtra(2))
        #expect(limiter.open(3) == nil && limiter.isExtra(3))
    }

    @Test func theLongestIdleConnectionIsReplaced() {
        var limiter = busy(4, limit: 4)
        for id in [2, 0, 3] { limiter.end(id) }
        // The connection has a request again.
        limiter.begin(2)
        for (id, idle) in [(10, 0), (11, 3)] {
            _ = limiter.open(id)
            limiter.begin(id)
            #expect(limiter.admit(id, for: .ordinary) == .servedReplacing(idle))
            // The connection closes later; its place is not assigned twice.
            limiter.close(idle)
        }
        _ = limiter.open(12)
        #expect(limiter.admit(12, for: .ordinary) == .refused)
    }

    @Test func aConnectionThatNeverSaidAnythingIsIdle() {
        var limiter = Limiter(limit: 1, extraLimit: 8)
        _ = limiter.open(0)
        _ = limiter.open(1)
        limiter.begin(1)
        #expect(limiter.admit(1, for: .ordinary) == .servedReplacing(0))
    }

    @Test func readersLeaveAQuarterToOthers() {
        var limiter = Limiter(limit: 8, extraLimit: 8)
        for id in 0..<6 {
            _ = limiter.open(id)
            limiter.begin(id)
            #expect(limiter.admit(id, for: .reading) == .served)
        }
        for id in 6..<8 {
            #expect(limiter.open(id) == nil)
            limiter.begin(id)
            #expect(limiter.admit(id, for: .reading) == .refused)
            #expect(limiter.admit(id, for: .ordinary) == .served)
        }
        limiter.end(0)
        #expect(limiter.admit(6, for: .reading) == .served)
        // A reader does not replace another connection.
        _ = limiter.open(8)
        limiter.end(1)
        #expect(limiter.admit(8, for: .reading) == .refused)
        // With a single place, a reader may use it.
        var one = Limiter(limit: 1, extraLimit: 8)
        _ = one.open(0)
        #expect(one.admit(0, for: .reading) == .served)
    }

    @Test func extraConnectionsThatWaitMakeRoomForNewOnes() {
        var limiter = Limiter(limit: 1, extraLimit: 2)
        for id in 0..<3 { #expect(limiter.open(id) == nil) }
        #expect(limiter.open(3) == 1)
        limiter.close(1)
        limiter.begin(2)
        limiter.begin(3)
        // Each has a request, so the new connection is closed.
        #expect(limiter.open(4) == 4 && !limiter.isExtra(4))
        limiter.close(2)
        #expect(limiter.open(5) == nil)
    }

    /// The queue of extra connections does not retain closed connections.
    @Test func extraConnectionsThatAreGoneLeaveNothing() {
        var limiter = Limiter(limit: 1, extraLimit: 2)
        _ = limiter.open(0)
        for id in 1..<10_000 {
            #expect(limiter.open(id) == nil)
            limiter.close(id)
        }
        #expect(limiter.extraOrder.count < 100)
        #expect(limiter.open(10_000) == nil && limiter.open(10_001) == nil && limiter.open(10_002) == 10_000)
    }

    @Test func idleConnectionsAreRecordedOnce() {
        var limiter = Limiter(limit: 2, extraLimit: 8)
        _ = limiter.open(0)
        _ = limiter.open(1)
        for _ in 0..<10_000 {
            limiter.begin(0)
            limiter.end(0)
        }
        _ = limiter.open(2)
        #expect(limiter.admit(2, for: .ordinary) == .servedReplacing(1))
    }
}
