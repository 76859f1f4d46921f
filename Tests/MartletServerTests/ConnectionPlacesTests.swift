import Testing

@testable import MartletServer

/// Which connections hold a place.
@Suite struct ConnectionPlacesTests {
    private typealias Places = ConnectionPlaces<Int>

    /// With connections of which each has a request.
    private func busy(_ count: Int, limit: Int) -> Places {
        var places = Places(limit: limit, extraLimit: 8)
        for id in 0..<count {
            #expect(places.open(id) == nil)
            places.begin(id)
            #expect(places.admit(id, for: .ordinary) == .served)
        }
        return places
    }

    @Test func beyondTheLimitOnlyWhatIsEssentialIsServed() {
        var places = busy(2, limit: 2)
        #expect(places.open(2) == nil && places.isExtra(2))
        places.begin(2)
        #expect(places.admit(2, for: .essential) == .served)
        #expect(places.admit(2, for: .ordinary) == .refused)
        #expect(places.admit(2, for: .reading) == .refused)
        #expect(places.isExtra(2) && !places.isExtra(1))
    }

    @Test func aPlaceThatIsFreeIsTaken() {
        var places = busy(2, limit: 2)
        _ = places.open(2)
        places.begin(2)
        places.close(0)
        #expect(places.admit(2, for: .ordinary) == .served && !places.isExtra(2))
        #expect(places.open(3) == nil && places.isExtra(3))
    }

    @Test func theLongestIdleGivesItsPlaceUp() {
        var places = busy(4, limit: 4)
        for id in [2, 0, 3] { places.end(id) }
        // It has a request again.
        places.begin(2)
        for (id, given) in [(10, 0), (11, 3)] {
            _ = places.open(id)
            places.begin(id)
            #expect(places.admit(id, for: .ordinary) == .servedInPlace(of: given))
            // The connection closes later; its place is not given twice.
            places.close(given)
        }
        _ = places.open(12)
        #expect(places.admit(12, for: .ordinary) == .refused)
    }

    @Test func aConnectionThatNeverSaidAnythingIsIdle() {
        var places = Places(limit: 1, extraLimit: 8)
        _ = places.open(0)
        _ = places.open(1)
        places.begin(1)
        #expect(places.admit(1, for: .ordinary) == .servedInPlace(of: 0))
    }

    @Test func readersLeaveAQuarterToOthers() {
        var places = Places(limit: 8, extraLimit: 8)
        for id in 0..<6 {
            _ = places.open(id)
            places.begin(id)
            #expect(places.admit(id, for: .reading) == .served)
        }
        for id in 6..<8 {
            #expect(places.open(id) == nil)
            places.begin(id)
            #expect(places.admit(id, for: .reading) == .refused)
            #expect(places.admit(id, for: .ordinary) == .served)
        }
        places.end(0)
        #expect(places.admit(6, for: .reading) == .served)
        // A reader takes no place of another connection.
        _ = places.open(8)
        places.end(1)
        #expect(places.admit(8, for: .reading) == .refused)
        // A single place may be read on.
        var one = Places(limit: 1, extraLimit: 8)
        _ = one.open(0)
        #expect(one.admit(0, for: .reading) == .served)
    }

    @Test func extraConnectionsThatWaitMakeRoomForNewOnes() {
        var places = Places(limit: 1, extraLimit: 2)
        for id in 0..<3 { #expect(places.open(id) == nil) }
        #expect(places.open(3) == 1)
        places.close(1)
        places.begin(2)
        places.begin(3)
        // All have a request: the new one goes.
        #expect(places.open(4) == 4 && !places.isExtra(4))
        places.close(2)
        #expect(places.open(5) == nil)
    }

    /// The order of extra connections keeps no entry of connections that are gone.
    @Test func extraConnectionsThatAreGoneLeaveNothing() {
        var places = Places(limit: 1, extraLimit: 2)
        _ = places.open(0)
        for id in 1..<10_000 {
            #expect(places.open(id) == nil)
            places.close(id)
        }
        #expect(places.extraOrder.count < 100)
        #expect(places.open(10_000) == nil && places.open(10_001) == nil && places.open(10_002) == 10_000)
    }

    @Test func whatIsIdleIsRememberedOnce() {
        var places = Places(limit: 2, extraLimit: 8)
        _ = places.open(0)
        _ = places.open(1)
        for _ in 0..<10_000 {
            places.begin(0)
            places.end(0)
        }
        _ = places.open(2)
        #expect(places.admit(2, for: .ordinary) == .servedInPlace(of: 1))
    }
}
