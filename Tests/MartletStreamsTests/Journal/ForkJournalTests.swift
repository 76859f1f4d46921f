import MartletProtocol
import MartletTestSupport
import Testing

@testable import MartletStreams

/// The journal of a fork is there before the journal of its original names it.
@Suite struct ForkJournalTests {
    private static let (original, fork) = (GenerationHandle(rawValue: 1), GenerationHandle(rawValue: 2))
    private static let ids = ["a", "b"].map { String(repeating: $0, count: 32) }

    private func head(_ id: String) -> JournalHead {
        var head = JournalHead(log: LogHead(id: id, created: 1, model: "m"), responseID: id)
        head.lifetime = .resumable
        return head
    }

    /// The server dies at each operation in turn; with `fsync` the power fails.
    @Test(arguments: [Journal.Durability.write, .fsync])
    func aForkThatAReplyNamesHasAJournal(durability: Journal.Durability) throws {
        var (operation, namedCount, lastCrash) = (0, 0, true)
        while lastCrash {
            operation += 1
            for seed: UInt64 in 0..<8 {
                let disk = SimulatedDisk(seed: seed)
                let folder = JournalFolder(path: "/state", disk: disk)
                try folder.prepare(syncs: true)
                var writer = JournalWriter(
                    folder: folder, durability: durability, maximumByteCount: .max, maximumOpenCount: 8)
                var (metrics, problems) = (JournalMetrics(), [String]())
                _ = writer.perform(
                    [.begin(Self.original, head(Self.ids[0]))], at: 1, metrics: &metrics, problems: &problems)
                disk.crash(atOperation: disk.operationCount + operation)
                let applied = EngineEvent.Kind.controlled(
                    CommandNumber(rawValue: 1), .applied(.forked([Self.fork]), token: 0))
                let entries: [Journal.Entry] = [
                    .begin(Self.fork, head(Self.ids[1])),
                    .input(
                        Self.original,
                        .command(CommandRecord(number: CommandNumber(rawValue: 1), identity: nil, forks: ["b"]))),
                    .input(Self.original, .engine(EngineEvent(Self.original, applied))),
                ]
                _ = writer.perform(entries, at: 2, metrics: &metrics, problems: &problems)
                lastCrash = disk.hasCrashed
                let after =
                    durability == .fsync ? disk.afterPowerLoss(seed: seed) : disk.afterProcessDeath(seed: seed)
                let next = JournalFolder(path: "/state", disk: after)
                guard let stored = try next.read(Self.ids[0]).generation, isForked(stored) else { continue }
                namedCount += 1
                #expect(try next.read(Self.ids[1]).generation?.head.log.id == Self.ids[1], "operation \(operation)")
            }
        }
        #expect(namedCount >= 8)
    }

    private func isForked(_ stored: StoredGeneration) -> Bool {
        stored.inputs.contains { input in
            if case .engine(let event) = input, case .controlled(_, .applied(.forked, _)) = event.kind {
                true
            } else {
                false
            }
        }
    }
}
