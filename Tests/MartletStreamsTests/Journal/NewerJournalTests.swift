import MartletTestSupport
import Testing

@testable import MartletStreams

/// A journal of a newer build, which no build that cannot read it may lose.
@Suite struct NewerJournalTests {
    private static let id = String(repeating: "a", count: 32)

    /// The server dies at each operation of the move in turn, and the power fails. Both folders may be new.
    @Test(arguments: [true, false]) func aLossOfPowerTakesNoJournalOfANewerBuild(syncs: Bool) throws {
        var bytes = try StoredVersionTests.bytes(version: 4, choices: 1)
        bytes[8] += 1
        var (operation, wasMoved) = (1, false)
        while !wasMoved {
            for seed: UInt64 in 0..<8 {
                let disk = SimulatedDisk(seed: seed)
                disk.write(bytes, to: "/state/streams/\(Self.id).journal")
                let folder = JournalFolder(path: "/state", disk: disk)
                disk.crash(atOperation: operation)
                try? folder.prepare(syncs: syncs)
                wasMoved = (try? folder.setAsideForNewerBuild(Self.id)) != nil
                let after = disk.afterPowerLoss(seed: seed)
                let found = ["streams", "newer"].compactMap { after.contents(of: "/state/\($0)/\(Self.id).journal") }
                #expect(found.contains(bytes), "seed \(seed), operation \(operation)")
                // The next server of this build finds it and moves it again, or has it aside already.
                let next = JournalFolder(path: "/state", disk: after)
                try next.prepare(syncs: syncs)
                if try next.ids() == [Self.id] { _ = try next.setAsideForNewerBuild(Self.id) }
                #expect(after.contents(of: "/state/newer/\(Self.id).journal") == bytes)
            }
            operation += 1
        }
        #expect(operation > 8)
    }
}
